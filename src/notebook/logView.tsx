import { useState } from 'react';
import type { MLWSClient } from '../api/client';
import type { Data, ILogEntry } from '../api/models';
import { fullTime } from '../ui/format';
import { trans } from '../ui/locale';
import { Answer, ServerView, useGet } from '../ui/server';
import { useLog } from '../ui/useLog';
import { Select } from '../ui/controls';
import { AnsiText, LogPanel } from '../ui/logPanel';

/** Of a longer log the end is shown. */
const MAX_LINES = 1000;
const INITIAL_LINES = 200;

const follow = (
  lines: readonly ILogEntry[],
  event: Data<'get', '/logs/{log}'>
) => (event.type === 'line' ? [...lines, event] : lines);

/** The server's log: its end, then new lines while the view is visible. */
function Log({ client }: { client: MLWSClient }): JSX.Element {
  const { project, server } = client;
  // Filter of the lines; "" shows all.
  const [filter, setFilter] = useState({
    source: '' as ILogEntry['source'] | '',
    level: '' as ILogEntry['level'] | '',
    q: ''
  });
  const query = {
    source: filter.source ? [filter.source] : undefined,
    level: filter.level || undefined,
    q: filter.q || undefined,
    // Output of workflow nodes belongs to the project.
    project: project?.default ? undefined : project?.id
  };
  // Present lines stay until the new lines are loaded, and so does the focus.
  const end = useGet(
    client,
    '/logs',
    { ...query, limit: INITIAL_LINES },
    {
      queryFn: async ({ queryKey }) => {
        const page = await client.get('/logs', queryKey[1] as typeof query);
        return [...page.items].reverse();
      },
      keepPrevious: true,
      // The stream has the lines after it.
      staleTime: 'static',
      gcTime: 0
    }
  );
  const { lines, connected } = useLog(
    client,
    end.data,
    '/logs/local',
    query,
    follow,
    MAX_LINES
  );
  const sources: Record<string, string> = {
    '': trans.__('All sources'),
    server: trans.__('Server'),
    kernel: trans.__('Kernels'),
    execution: trans.__('Executions'),
    node: trans.__('Workflow nodes'),
    container: trans.__('Container')
  };
  const levels = {
    '': trans.__('All levels'),
    info: trans.__('Info and above'),
    warning: trans.__('Warnings and above'),
    error: trans.__('Errors only')
  };
  return (
    <Answer of={end}>
      {() => (
        <LogPanel
          label={trans.__('Server log')}
          lines={lines}
          isLost={!connected}
          before={
            <>
              <Select
                aria-label={trans.__('Source')}
                value={filter.source}
                options={Object.entries(sources)}
                onChange={source =>
                  setFilter({
                    ...filter,
                    source: source as typeof filter.source
                  })
                }
              />
              <Select
                aria-label={trans.__('Level')}
                value={filter.level}
                options={Object.entries(levels)}
                onChange={level =>
                  setFilter({ ...filter, level: level as typeof filter.level })
                }
              />
              <form
                role="search"
                onSubmit={event => {
                  event.preventDefault();
                  const q = new FormData(event.currentTarget).get('q');
                  setFilter({ ...filter, q: String(q ?? '').trim() });
                }}
              >
                <input
                  type="search"
                  name="q"
                  className="jp-mlws-Search"
                  defaultValue={filter.q}
                  placeholder={trans.__('Search (press Enter)')}
                  aria-label={trans.__('Search the log')}
                />
              </form>
            </>
          }
          after={
            <a
              className="jp-mlws-Link"
              href={client.url(server.baseUrl, '/logs/download', query)}
              download=""
            >
              {trans.__('Download')}
            </a>
          }
          empty={trans.__('No matching log entries.')}
          line={line => (
            <div
              key={line.seq}
              className="jp-mlws-LogLine"
              data-mlws-level={line.level}
            >
              <time dateTime={line.time}>{fullTime(line.time)}</time>{' '}
              <span className="jp-mlws-LogLine-source">
                {sources[line.source]}
              </span>{' '}
              <AnsiText text={line.message} />
            </div>
          )}
        />
      )}
    </Answer>
  );
}

/** The server's log in the main area: filtered, followed, downloaded. */
export function logView(client: MLWSClient): ServerView {
  return new ServerView(client, () => <Log client={client} />, {
    label: trans.__('Server log'),
    className: 'jp-mlws-ServerLog',
    help: 'reference-logs'
  });
}
