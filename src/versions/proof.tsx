import type { TranslationBundle } from '@jupyterlab/translation';

import type { IProof } from '../models';

const MARKS = { yes: '✓', no: '✗', open: '–' };

/** Which parts of a snapshot are proven to be stored; a plain git commit has no proof. */
export function ProofBadges(props: {
  proof: IProof | null;
  trans: TranslationBundle;
}): JSX.Element {
  const { proof, trans } = props;
  if (!proof) {
    return (
      <span
        className="jp-mlws-Proof"
        title={trans.__(
          'An ordinary git commit: nothing about its data and runs was checked'
        )}
      >
        {trans.__('git only')}
      </span>
    );
  }
  const parts: [string, boolean | null, string][] = [
    [trans.__('code'), proof.code, trans.__('The code is in git')],
    [
      trans.__('data'),
      proof.data_local,
      trans.__('All data files are in the local data store')
    ],
    [
      trans.__('runs'),
      proof.runs,
      trans.__('All runs are ended and tagged with this version')
    ]
  ];
  if (proof.data_remote !== null) {
    const told = trans.__('All data files are in the remote data store');
    parts.splice(2, 0, [trans.__('remote'), proof.data_remote, told]);
  }
  return (
    <span className="jp-mlws-Proof">
      {parts.map(([name, holds, title]) => {
        const mark = holds === null ? 'open' : holds ? 'yes' : 'no';
        return (
          <span
            key={name}
            className="jp-mlws-Badge"
            data-mlws-proof={mark}
            title={title}
          >
            {name} {MARKS[mark]}
          </span>
        );
      })}
    </span>
  );
}
