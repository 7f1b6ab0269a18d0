import { Hint } from '../../ui/controls';
import { fileSize } from '../../ui/format';
import type { IConflictDetail, Side, SideChoice } from '../../api/models';
import { trans } from '../../ui/locale';
import { sideLabel } from '../operationLabels';

/** Characters of a text that are shown to choose by. */
const MAX_TEXT_LENGTH = 20_000;

function Content(props: { detail: IConflictDetail; side: Side }): JSX.Element {
  const { detail, side } = props;
  if (!(side in detail.sizes)) {
    return <Hint>{trans.__('No such file on this side.')}</Hint>;
  }
  const size = detail.sizes[side];
  const text = detail[side];
  const data = detail.data[side] ?? [];
  return (
    <>
      {size !== null && size !== undefined && <Hint>{fileSize(size)}</Hint>}
      {data.map(one => (
        <p key={one.path}>
          {one.path}{' '}
          <code title={one.md5 ?? undefined}>{one.md5?.slice(0, 8)}</code>{' '}
          {one.size !== null && fileSize(one.size)}
        </p>
      ))}
      {text !== null && data.length === 0 && (
        <pre>
          {text.slice(0, MAX_TEXT_LENGTH)}
          {text.length > MAX_TEXT_LENGTH && '…'}
        </pre>
      )}
    </>
  );
}

/** Choice of a side for a deleted, binary or large file, or data. */
export function WholeMerge(props: {
  detail: IConflictDetail;
  names: Record<'ours' | 'theirs', string>;
  busy: boolean;
  onTake: (side: SideChoice) => void;
}): JSX.Element {
  const { detail, names, busy } = props;
  const verb = (side: 'ours' | 'theirs') =>
    side in detail.sizes
      ? side === 'ours'
        ? trans.__('Use Ours')
        : trans.__('Use Theirs')
      : side === 'ours'
        ? trans.__('Use Ours (Delete)')
        : trans.__('Use Theirs (Delete)');
  return (
    <div className="jp-mlws-WholeMerge">
      {(['ours', 'theirs'] as const).map(side => (
        <section key={side} data-mlws-side={side}>
          <h3>
            {sideLabel(side)}: {names[side]}
          </h3>
          <Content detail={detail} side={side} />
          <button
            type="button"
            className="jp-mod-styled jp-mod-accept"
            data-mlws-take={side}
            disabled={busy}
            onClick={() => props.onTake(side)}
          >
            {verb(side)}
          </button>
        </section>
      ))}
    </div>
  );
}
