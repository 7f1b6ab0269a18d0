import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { fileSize } from '../ui/format';
import { LiveView } from '../ui/liveView';
import { stateLetters, stateWord } from '../git/labels';
import type { DatasetDiffModel } from './diff';

/** Two versions of a dataset, file by file. */
export class DatasetDiffView extends LiveView<DatasetDiffModel> {
  constructor(
    model: DatasetDiffModel,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.addClass('jp-mlws-View');
    this.addClass('jp-mlws-DatasetDiff');
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    const diff = model.diff!;
    const size = (bytes: number | null) =>
      bytes === null ? '–' : fileSize(bytes, this._language);
    const counts = [
      trans._n('%1 file added', '%1 files added', diff.added),
      trans._n('%1 deleted', '%1 deleted', diff.deleted),
      trans._n('%1 modified', '%1 modified', diff.modified),
      trans._n('%1 unchanged', '%1 unchanged', diff.unchanged)
    ];
    return (
      <>
        <header className="jp-mlws-View-head">
          <h2>{diff.path}</h2>
          <span className="jp-mlws-Diff-from">{model.from.slice(0, 8)}</span>
          <span aria-hidden="true">→</span>
          <span className="jp-mlws-Diff-to">{trans.__('working tree')}</span>
        </header>
        <p className="jp-mlws-Counts">{counts.join(' · ')}</p>
        {diff.items.length === 0 ? (
          <p className="jp-mlws-Hint">{trans.__('No differences.')}</p>
        ) : (
          <table className="jp-mlws-Values">
            <thead>
              <tr>
                <th scope="col">{trans.__('File')}</th>
                <th scope="col">{trans.__('Change')}</th>
                <th scope="col">{trans.__('Previous size')}</th>
                <th scope="col">{trans.__('Current size')}</th>
              </tr>
            </thead>
            <tbody>
              {diff.items.map(file => (
                <tr key={file.path} data-mlws-path={file.path}>
                  <th scope="row">{file.path}</th>
                  <td
                    className="jp-mlws-ChangeState"
                    data-mlws-state={file.state}
                  >
                    {stateLetters[file.state]} {stateWord(file.state, trans)}
                  </td>
                  <td>{size(file.from_size)}</td>
                  <td>{size(file.to_size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {diff.next_cursor !== null && (
          <Button small={true} onClick={() => void model.more()}>
            {trans.__('Show More')}
          </Button>
        )}
      </>
    );
  }
}
