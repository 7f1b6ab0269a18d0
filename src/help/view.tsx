import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { useEffect, useRef, useState } from 'react';
import type { MLWSClient } from '../api/client';
import type { IReferenceEntry } from '../api/models';
import { Empty, Hint, SearchField } from '../ui/controls';
import { Markdown } from '../ui/markdown';
import { Answer, ServerView, useGet } from '../ui/server';
import { useValue, type State } from '../ui/state';
import { trans } from '../ui/locale';

/** The most that the server returns at once; there are fewer pages. */
const MAX_PAGES = 500;

interface IReferenceOptions {
  client: MLWSClient;
  renderers: IRenderMimeRegistry;
  /** The id of the page that is shown, and after a `#` a setting; "" is the table of contents. */
  page: State<string>;
}

/** Creates the view of the reference. */
export function referenceView(
  options: IReferenceOptions & { label: string }
): ServerView {
  const { label } = options;
  return new ServerView(options.client, () => <Reference {...options} />, {
    label,
    className: 'jp-mlws-Reference'
  });
}

function Reference(props: IReferenceOptions): JSX.Element {
  const page = useValue(props.page);
  const [query, setQuery] = useState('');
  return page === '' ? (
    <Contents {...props} query={query} setQuery={setQuery} />
  ) : (
    <ReferencePage key={page} {...props} />
  );
}

function Contents(
  props: IReferenceOptions & {
    query: string;
    setQuery: (query: string) => void;
  }
): JSX.Element {
  const { client, page, query, setQuery } = props;
  const list = useGet(client, '/reference', {
    limit: MAX_PAGES
  });
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return (
    <>
      <SearchField
        className="jp-mod-styled jp-mlws-Reference-search"
        label={trans.__('Search')}
        value={query}
        onChange={setQuery}
      />
      <Answer of={list}>
        {({ items }) => {
          const matches = items.filter(({ id, part, group, title }) => {
            const text = `${id} ${part} ${group} ${title}`.toLowerCase();
            return words.every(word => text.includes(word));
          });
          const parts = [...new Set(matches.map(({ part }) => part))];
          return parts.length === 0 ? (
            <Empty>{trans.__('No matching pages.')}</Empty>
          ) : (
            parts.map((part, index) => (
              <details
                key={`${part} ${query !== ''}`}
                open={query !== '' || index === 0}
              >
                <summary>{part}</summary>
                <Groups
                  entries={matches.filter(entry => entry.part === part)}
                  onOpen={id => (page.value = id)}
                />
              </details>
            ))
          );
        }}
      </Answer>
    </>
  );
}

function Groups(props: {
  entries: readonly IReferenceEntry[];
  onOpen: (id: string) => void;
}): JSX.Element {
  const { entries, onOpen } = props;
  const groups = [...new Set(entries.map(({ group }) => group))];
  return (
    <>
      {groups.map(group => (
        <section key={group} aria-label={group || undefined}>
          {group && <h3>{group}</h3>}
          <ul>
            {entries
              .filter(entry => entry.group === group)
              .map(({ id, title }) => (
                <li key={id}>
                  <button
                    className="jp-mlws-Reference-entry"
                    onClick={() => onOpen(id)}
                  >
                    {title}
                  </button>
                </li>
              ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function ReferencePage(props: IReferenceOptions): JSX.Element {
  const { client, page, renderers } = props;
  const [id, setting] = page.value.split('#');
  const answer = useGet(client, `/reference/${encodeURIComponent(id)}`);
  const body = useRef<HTMLElement>(null);
  useEffect(() => {
    const host = body.current!;
    // The Markdown is drawn later.
    const observer = new MutationObserver(() => {
      const current = [...host.querySelectorAll('td:first-child code')]
        .find(({ textContent }) => textContent === setting)
        ?.closest('tr');
      if (current) {
        observer.disconnect();
        current.classList.add('jp-mod-current');
        current.scrollIntoView({ block: 'center' });
      }
    });
    observer.observe(host, { childList: true, subtree: true });
    return () => observer.disconnect();
  }, [setting]);
  return (
    <article
      ref={body}
      onClick={event => {
        const link = (event.target as Element).closest('a[href^="#"]');
        if (link && !link.classList.contains('jp-InternalAnchorLink')) {
          event.preventDefault();
          page.value = link.getAttribute('href')!.slice(1);
        }
      }}
    >
      <button
        className="jp-mlws-Reference-back"
        onClick={() => (page.value = '')}
      >
        ‹ {trans.__('All Pages')}
      </button>
      <Answer of={answer}>
        {({ part, group, title, text }) => (
          <>
            <Hint>{[part, group].filter(Boolean).join(' › ')}</Hint>
            <h1>{title}</h1>
            <Markdown text={text} renderers={renderers} />
          </>
        )}
      </Answer>
    </article>
  );
}
