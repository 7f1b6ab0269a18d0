import type { IProof } from '../../api/models';
import { trans } from '../../ui/locale';

const MARKS = { yes: '✓', no: '✗', open: '–' };

/** The parts of a snapshot and whether each is stored; a plain git commit has no proof. */
export function ProofBadges(props: { proof: IProof | null }): JSX.Element {
  const { proof } = props;
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
  const unknown = trans.__('Not checked');
  const parts: [string, boolean | null, string, string][] = [
    [
      trans.__('code'),
      proof.code,
      trans.__('All code is stored in git'),
      trans.__('Some code is missing from git')
    ],
    [
      trans.__('data'),
      proof.data_local,
      trans.__('All data is in the local cache'),
      trans.__('Some data is missing from the local cache')
    ],
    [
      trans.__('runs'),
      proof.runs,
      trans.__('All runs finished and are tagged with this snapshot'),
      trans.__(
        'Some runs have not finished or are not tagged with this snapshot'
      )
    ]
  ];
  if (proof.data_remote !== null) {
    parts.splice(2, 0, [
      trans.__('remote'),
      proof.data_remote,
      trans.__('All data is on the remote'),
      trans.__('Some data is missing from the remote')
    ]);
  }
  return (
    <span className="jp-mlws-Proof">
      {parts.map(([name, holds, complete, incomplete]) => {
        const mark = holds === null ? 'open' : holds ? 'yes' : 'no';
        return (
          <span
            key={name}
            className="jp-mlws-Badge"
            data-mlws-proof={mark}
            title={{ yes: complete, no: incomplete, open: unknown }[mark]}
          >
            {name} {MARKS[mark]}
          </span>
        );
      })}
    </span>
  );
}
