import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { LiveView } from '../liveView';
import type { IFileDiff } from '../models';
import { EMPTY_TREE, type FileDiffModel, type IVersions } from './diff';
import { IDiffLine, parseUnified } from './unified';

/** What the two sides of a comparison are called. */
export function versionNames(
  versions: IVersions,
  trans: TranslationBundle
): [string, string] {
  const short = (version: string) => {
    const words: Record<string, string> = {
      HEAD: trans.__('current snapshot'),
      [EMPTY_TREE]: trans.__('nothing')
    };
    return words[version] ?? version.slice(0, 8);
  };
  return [
    short(versions.from),
    versions.to ? short(versions.to) : trans.__('working files')
  ];
}

function Line(props: {
  line: IDiffLine;
  trans: TranslationBundle;
}): JSX.Element {
  const { line, trans } = props;
  const signs = { added: '+', removed: '−', same: '', hunk: '', note: '' };
  const words: Record<string, string> = {
    added: trans.__('added line'),
    removed: trans.__('removed line')
  };
  return (
    <tr className={`jp-mlws-Diff-line jp-mod-${line.kind}`}>
      <td className="jp-mlws-Diff-number">{line.from}</td>
      <td className="jp-mlws-Diff-number">{line.to}</td>
      <td className="jp-mlws-Diff-sign" aria-label={words[line.kind]}>
        {signs[line.kind]}
      </td>
      <td className="jp-mlws-Diff-text">{line.text}</td>
    </tr>
  );
}

function Body(props: {
  diff: IFileDiff;
  trans: TranslationBundle;
}): JSX.Element {
  const { diff, trans } = props;
  if (diff.binary) {
    return (
      <p className="jp-mlws-Hint">
        {trans.__(
          'This file is not text: its versions can be restored, but not shown line by line.'
        )}
      </p>
    );
  }
  const lines = parseUnified(diff.unified);
  if (lines.length === 0) {
    return (
      <p className="jp-mlws-Hint">{trans.__('Both versions are the same.')}</p>
    );
  }
  return (
    <>
      {diff.path.endsWith('.ipynb') && (
        <p className="jp-mlws-Note">
          {trans.__(
            'A notebook, compared as the text of its file, outputs included.'
          )}
        </p>
      )}
      <table className="jp-mlws-Diff">
        <tbody>
          {lines.map((line, index) => (
            <Line key={index} line={line} trans={trans} />
          ))}
        </tbody>
      </table>
      {diff.truncated && (
        <p className="jp-mlws-Note">
          {trans.__('The rest is left out: the difference is too long.')}
        </p>
      )}
    </>
  );
}

/** The unified diff of one file. */
export class FileDiffView extends LiveView<FileDiffModel> {
  constructor(
    model: FileDiffModel,
    private _openFile: () => void,
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
          <Button small={true} onClick={this._openFile}>
            {trans.__('Open file')}
          </Button>
        </header>
        <Body diff={model.diff!} trans={trans} />
      </>
    );
  }
}
