import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { useState, type ReactNode } from 'react';

import type { Chosen, StagingActions } from './stagingActions';
import { LiveView } from '../ui/liveView';
import type { IDiffHunk, IFileDiff } from '../api/models';
import { CellDiffs } from './cellDiffs';
import { EMPTY_TREE, type FileDiffModel, type IVersions } from './diff';
import { DiffLines } from './diffLines';
import { hunkLines, parseUnified } from './unified';

/** What the two sides of a comparison are called. */
export function versionNames(
  versions: IVersions,
  trans: TranslationBundle
): [string, string] {
  const short = (version: string) => {
    const words: Record<string, string> = {
      HEAD: trans.__('current snapshot'),
      [EMPTY_TREE]: trans.__('empty')
    };
    return words[version] ?? version.slice(0, 8);
  };
  if (versions.staged !== undefined) {
    return versions.staged
      ? [short('HEAD'), trans.__('staged')]
      : [trans.__('snapshot with staged changes'), trans.__('working tree')];
  }
  return [
    short(versions.from),
    versions.to ? short(versions.to) : trans.__('working tree')
  ];
}

/** Whether hunks of it can be staged: a new or deleted file is staged as a whole. */
function hasHunks(diff: IFileDiff): boolean {
  return diff.hunks.length > 0 && diff.old !== null && diff.new !== null;
}

function Hunks(props: {
  diff: IFileDiff;
  hunk: (hunk: IDiffHunk) => ReactNode;
  trans: TranslationBundle;
}): JSX.Element {
  const { diff, hunk, trans } = props;
  return (
    <>
      {diff.hunks.map(one => (
        <section
          key={one.id}
          className="jp-mlws-Hunk"
          data-mlws-hunk={one.id}
          aria-label={trans.__('From line %1', one.new_start)}
        >
          <header>
            <code>
              {`@@ −${one.old_start},${one.old_lines} +${one.new_start},${one.new_lines} @@ ${one.section}`}
            </code>
            {hunk(one)}
          </header>
          <DiffLines lines={hunkLines(one)} trans={trans} />
        </section>
      ))}
    </>
  );
}

function Body(props: {
  diff: IFileDiff;
  hunk: (hunk: IDiffHunk) => ReactNode;
  trans: TranslationBundle;
}): JSX.Element {
  const { diff, hunk, trans } = props;
  const [asText, setAsText] = useState(false);
  if (diff.binary) {
    return (
      <p className="jp-mlws-Hint">
        {trans.__('Binary file: versions can be restored but not compared.')}
      </p>
    );
  }
  const lines = parseUnified(diff.unified);
  if (lines.length === 0) {
    return <p className="jp-mlws-Hint">{trans.__('No differences.')}</p>;
  }
  const cells = diff.cells !== null && !asText;
  return (
    <>
      {diff.cells !== null && (
        <label className="jp-mlws-Compare-option">
          <input
            type="checkbox"
            checked={asText}
            onChange={event => setAsText(event.target.checked)}
          />
          {trans.__('Show raw JSON (with outputs)')}
        </label>
      )}
      {cells ? (
        <CellDiffs cells={diff.cells!} trans={trans} />
      ) : hasHunks(diff) ? (
        <Hunks diff={diff} hunk={hunk} trans={trans} />
      ) : (
        <DiffLines lines={lines} trans={trans} />
      )}
      {diff.truncated && (
        <p className="jp-mlws-Note">{trans.__('Diff truncated.')}</p>
      )}
    </>
  );
}

/** The unified diff of one file. */
export class FileDiffView extends LiveView<FileDiffModel> {
  constructor(
    model: FileDiffModel,
    private _openFile: () => void,
    private _staging: StagingActions,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.addClass('jp-mlws-View');
    this.addClass('jp-mlws-FileDiff');
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    const [from, to] = versionNames(model.versions, trans);
    return (
      <>
        <header className="jp-mlws-View-head">
          <h2>{model.path}</h2>
          <span className="jp-mlws-Diff-from">{from}</span>
          <span aria-hidden="true">→</span>
          <span className="jp-mlws-Diff-to">{to}</span>
          {this._wholeButtons()}
          <Button small={true} onClick={this._openFile}>
            {trans.__('Open File')}
          </Button>
        </header>
        <Body
          diff={model.diff!}
          hunk={hunk => this._hunkButtons(hunk)}
          trans={trans}
        />
      </>
    );
  }

  /** What can be done with all that is shown. */
  private _wholeButtons(): JSX.Element | null {
    const { model } = this;
    const same = model.diff?.unified === '' && !model.diff.binary;
    return same ? null : this._buttons({ paths: [model.path] });
  }

  private _hunkButtons(hunk: IDiffHunk): JSX.Element | null {
    return this._buttons({
      hunks: [{ path: this.model.path, ids: [hunk.id] }]
    });
  }

  private _buttons(chosen: Chosen): JSX.Element | null {
    const { trans, _staging: staging } = this;
    const { staged } = this.model.versions;
    if (staged === undefined) {
      return null;
    }
    const part = 'hunks' in chosen;
    return (
      <span className="jp-mlws-Hunk-buttons">
        {staged ? (
          <Button
            small={true}
            className="jp-mlws-UnstageButton"
            onClick={() => void staging.unstage(chosen)}
          >
            {part ? trans.__('Unstage Hunk') : trans.__('Unstage')}
          </Button>
        ) : (
          <>
            <Button
              small={true}
              className="jp-mlws-StageButton"
              onClick={() => void staging.stage(chosen)}
            >
              {part ? trans.__('Stage Hunk') : trans.__('Stage')}
            </Button>
            <Button
              small={true}
              className="jp-mlws-DiscardButton"
              onClick={() => void staging.discard(chosen)}
            >
              {part ? trans.__('Discard Hunk…') : trans.__('Discard…')}
            </Button>
          </>
        )}
      </span>
    );
  }
}
