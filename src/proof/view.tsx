import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { fileSize } from '../format';
import { LiveView } from '../liveView';
import { WorkView } from '../operations/workView';
import { ProofBadges } from '../versions/proof';
import { ProofModel, WORK } from './model';
import type { IObjectProblem, IRepaired, IVerification, Store } from './types';

function storeWord(store: Store, trans: TranslationBundle): string {
  const words: Record<Store, string> = {
    git: trans.__('git'),
    cache: trans.__('the cache'),
    remote: trans.__('the remote'),
    workspace: trans.__('the working tree')
  };
  return words[store];
}

function Problems(props: {
  problems: readonly IObjectProblem[];
  trans: TranslationBundle;
}): JSX.Element {
  const { problems, trans } = props;
  return (
    <table className="jp-mlws-Values jp-mlws-ProofProblems">
      <thead>
        <tr>
          <th scope="col">{trans.__('Path')}</th>
          <th scope="col">{trans.__('What is wrong')}</th>
          <th scope="col">{trans.__('Where')}</th>
          <th scope="col">{trans.__('Object')}</th>
        </tr>
      </thead>
      <tbody>
        {problems.map(problem => (
          <tr
            key={`${problem.hash} ${problem.where} ${problem.path}`}
            data-mlws-problem={problem.problem}
          >
            <th scope="row">{problem.path}</th>
            <td>
              {problem.problem === 'missing'
                ? trans.__('missing')
                : trans.__('damaged')}
              {problem.output && ` (${trans.__('a run can make it again')})`}
            </td>
            <td>{storeWord(problem.where, trans)}</td>
            <td>
              <code>{problem.hash}</code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Found(props: {
  found: IVerification;
  language: string;
  trans: TranslationBundle;
}): JSX.Element {
  const { found, language, trans } = props;
  const isWhole = found.problems.length === 0 && found.unreachable === null;
  return (
    <section>
      <p
        className={isWhole ? 'jp-mlws-Hint' : 'jp-mlws-Note jp-mod-warn'}
        role="status"
        data-mlws-whole={isWhole}
      >
        {found.problems.length === 0
          ? trans._n(
              'The %1 object (%2) that was looked at is whole.',
              'All %1 objects (%2) that were looked at are whole.',
              found.objects,
              fileSize(found.bytes, language)
            )
          : trans._n(
              '%1 object is missing or damaged.',
              '%1 objects are missing or damaged.',
              found.problems.length
            )}{' '}
        {found.unreachable !== null &&
          trans.__('The remote could not be asked: %1', found.unreachable)}
      </p>
      {found.problems.length > 0 && (
        <Problems problems={found.problems} trans={trans} />
      )}
    </section>
  );
}

function Repaired(props: {
  repaired: IRepaired;
  trans: TranslationBundle;
}): JSX.Element {
  const { repaired, trans } = props;
  const { mended, lost } = repaired;
  return (
    <section className="jp-mlws-Repaired">
      <h3>{trans.__('The repair')}</h3>
      {mended.length === 0 && lost.length === 0 && (
        <p className="jp-mlws-Hint">{trans.__('There was nothing to mend.')}</p>
      )}
      {mended.length > 0 && (
        <ul>
          {mended.map(one => (
            <li key={`${one.hash} ${one.where}`}>
              {trans.__(
                '%1: mended in %2 from %3',
                one.path,
                storeWord(one.where, trans),
                storeWord(one.source, trans)
              )}
            </li>
          ))}
        </ul>
      )}
      {lost.length > 0 && (
        <>
          <p className="jp-mlws-Note jp-mod-warn">
            {repaired.unreachable === null
              ? trans.__('In no store and no file that was looked at:')
              : trans.__(
                  'Not found here; the remote, which could not be asked, may have it:'
                )}
          </p>
          <Problems problems={lost} trans={trans} />
        </>
      )}
    </section>
  );
}

/** The proof of a snapshot in the main area. */
export class ProofView extends LiveView<ProofModel> {
  constructor(
    model: ProofModel,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.addClass('jp-mlws-View');
    this.addClass('jp-mlws-ProofView');
  }

  /** Begins to look at every object. */
  verify(quick = false): void {
    void this.model.verify(this.trans.__('Looking at every object'), quick);
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    const snapshot = model.snapshot!;
    const { verification, repaired } = model;
    const isBusy = model.works.isRunning(WORK);
    const hasProblems = (verification?.problems.length ?? 0) > 0;
    return (
      <>
        <header className="jp-mlws-View-head">
          <h2>{snapshot.subject}</h2>
          <code>{snapshot.short}</code>
          <ProofBadges
            proof={verification?.proof ?? snapshot.proof}
            trans={trans}
          />
        </header>
        <div className="jp-mlws-Tools">
          <Button
            small={true}
            className="jp-mlws-VerifyButton"
            disabled={isBusy}
            onClick={() => this.verify()}
          >
            {trans.__('Verify')}
          </Button>
          <Button
            small={true}
            disabled={isBusy}
            title={trans.__('At the remote only names and sizes are looked at')}
            onClick={() => this.verify(true)}
          >
            {trans.__('Verify quickly')}
          </Button>
          <Button
            small={true}
            className="jp-mlws-RepairButton"
            disabled={isBusy || !hasProblems}
            title={trans.__(
              'Store anew what is missing or damaged, from wherever it still is'
            )}
            onClick={() =>
              void model.repair(
                trans.__('Repairing'),
                trans.__('Looking at every object')
              )
            }
          >
            {trans.__('Repair')}
          </Button>
        </div>
        <WorkView
          works={model.works}
          about={WORK}
          language={this._language}
          trans={trans}
        />
        {verification && (
          <Found found={verification} language={this._language} trans={trans} />
        )}
        {repaired && <Repaired repaired={repaired} trans={trans} />}
      </>
    );
  }
}
