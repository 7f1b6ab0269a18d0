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
        title={trans.__('Plain git commit; data and runs not checked')}
      >
        {trans.__('git only')}
      </span>
    );
  }
  const parts: [string, boolean | null, string][] = [
    [trans.__('code'), proof.code, trans.__('Code stored in git')],
    [
      trans.__('data'),
      proof.data_local,
      trans.__('All data files in the local cache')
    ],
    [
      trans.__('runs'),
      proof.runs,
      trans.__('All runs finished and tagged with this snapshot')
    ]
  ];
  if (proof.data_remote !== null) {
    const told = trans.__('All data files on the remote');
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
