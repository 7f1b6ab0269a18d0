import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { useEffect, useRef, useState } from 'react';

import type { IConflictDetail, SideChoice } from '../../api/models';
import { Button } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { sideTitles } from '../operationLabels';
import { type IEditorTexts, ThreeWayEditor } from './editor';
import type { Choice, IRegion } from './result';
import { sidesOf } from './threeWay';

/** Tests whether a text has CRLF line ends. */
function endsInCRLF(text: string | null): boolean {
  return text !== null && /\r\n/.test(text) && !/[^\r]\n/.test(text);
}

function editorTexts(names: Record<'ours' | 'theirs', string>): IEditorTexts {
  const stand = (choice: Choice): string => {
    const labels: Record<string, string> = {
      ours: trans.__('ours'),
      theirs: trans.__('theirs'),
      both: trans.__('both (ours first)'),
      base: trans.__('base'),
      edited: trans.__('edited manually')
    };
    return choice === null ? trans.__('changed on both sides') : labels[choice];
  };
  return {
    labels: { ...sideTitles(names), result: trans.__('Result') },
    title: (number: number, region: IRegion) =>
      trans.__('Conflict %1: %2', number, stand(region.choice)),
    choices: {
      ours: trans.__('Use Ours'),
      theirs: trans.__('Use Theirs'),
      both: trans.__('Use Both'),
      base: trans.__('Use Base')
    }
  };
}

/** Editor with three versions of a text side by side, and the result below. */
export function TextMerge(props: {
  detail: IConflictDetail;
  names: Record<'ours' | 'theirs', string>;
  languages: IEditorLanguageRegistry | null;
  busy: boolean;
  /** Called at the first choice. */
  onTouched: () => void;
  onResolve: (text: string) => void;
}): JSX.Element {
  const { detail, names, languages, busy } = props;
  const texts = editorTexts(names);
  const hosts = {
    ours: useRef<HTMLDivElement>(null),
    base: useRef<HTMLDivElement>(null),
    theirs: useRef<HTMLDivElement>(null),
    result: useRef<HTMLDivElement>(null)
  };
  const editor = useRef<ThreeWayEditor | null>(null);
  const [, draw] = useState(0);

  useEffect(() => {
    const view = new ThreeWayEditor(
      {
        ours: hosts.ours.current!,
        base: hosts.base.current!,
        theirs: hosts.theirs.current!,
        result: hosts.result.current!
      },
      sidesOf(detail),
      detail.base !== null,
      texts,
      () => {
        if (editor.current === view) {
          draw(count => count + 1);
        }
      }
    );
    editor.current = view;
    view.goTo(0);
    draw(count => count + 1);
    const language = languages?.findByFileName(detail.path);
    if (language) {
      void languages!.getLanguage(language).then(loaded => {
        if (loaded?.support && !view.isDisposed) {
          view.setLanguage(loaded.support);
        }
      });
    }
    return () => {
      editor.current = null;
      view.dispose();
    };
    // Texts and hosts change with the detail.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [detail]);

  const { current: view } = editor;
  const conflicts = view?.conflicts ?? [];
  const at = view?.current ?? -1;
  const open = view?.open ?? 0;
  const touched = conflicts.some(one => one.choice !== null);
  const { onTouched } = props;
  useEffect(() => {
    if (touched) {
      onTouched();
    }
  }, [touched, onTouched]);

  const go = (step: number) =>
    view?.goTo((at + step + conflicts.length) % conflicts.length);
  const take = (choice: SideChoice) =>
    view?.take(choice, at >= 0 ? [conflicts[at].id] : undefined);
  const resolve = () => {
    const text = view!.text;
    const windows = endsInCRLF(detail.ours ?? detail.theirs);
    props.onResolve(windows ? text.replace(/\n/g, '\r\n') : text);
  };
  return (
    <div className="jp-mlws-Merge">
      <div className="jp-mlws-Merge-toolbar" role="toolbar">
        <Button
          disabled={conflicts.length === 0}
          onClick={() => go(at < 0 ? 0 : -1)}
        >
          {trans.__('Previous')}
        </Button>
        <Button
          className="jp-mlws-NextConflict"
          disabled={conflicts.length === 0}
          onClick={() => go(1)}
        >
          {trans.__('Next')}
        </Button>
        <span role="status" className="jp-mlws-Merge-count">
          {open === 0
            ? trans.__('No unresolved conflicts')
            : trans._n(
                '%1 of %2 conflicts unresolved',
                '%1 of %2 conflicts unresolved',
                open,
                conflicts.length
              )}
        </span>
        {(['ours', 'theirs', 'both'] as const).map(side => (
          <Button
            key={side}
            className={`jp-mlws-Take-${side}`}
            disabled={open === 0 && at < 0}
            title={
              at < 0
                ? trans.__('All unresolved conflicts')
                : trans.__('Conflict %1', at + 1)
            }
            onClick={() => take(side)}
          >
            {texts.choices[side]}
          </Button>
        ))}
        {open === 0 && (
          <button
            type="button"
            className="jp-mlws-ResolveButton jp-mod-styled jp-mod-accept"
            disabled={busy}
            onClick={resolve}
          >
            {trans.__('Accept Result')}
          </button>
        )}
      </div>
      <div className="jp-mlws-Merge-sides">
        {(['ours', 'base', 'theirs'] as const).map(side => (
          <section key={side} aria-label={texts.labels[side]}>
            <h3>
              {side === 'base' && detail.base === null
                ? trans.__('Common to both (added on both sides)')
                : texts.labels[side]}
            </h3>
            <div
              ref={hosts[side]}
              className="jp-mlws-Merge-pane"
              data-mlws-side={side}
            />
          </section>
        ))}
      </div>
      <section
        className="jp-mlws-Merge-result"
        aria-label={texts.labels.result}
      >
        <h3>{texts.labels.result}</h3>
        <div
          ref={hosts.result}
          className="jp-mlws-Merge-pane"
          data-mlws-side="result"
        />
      </section>
    </div>
  );
}
