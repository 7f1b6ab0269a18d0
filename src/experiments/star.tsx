import type { IExperimentRun } from '../api/models';
import { trans } from '../ui/locale';

/** The star of a run, which is set and removed by a click. */
export function Star(props: {
  run: IExperimentRun;
  onChange: (starred: boolean) => void;
}): JSX.Element {
  const { starred } = props.run;
  return (
    <button
      className="jp-mlws-Star"
      aria-pressed={starred}
      aria-label={trans.__('Star')}
      title={starred ? trans.__('Remove the star') : trans.__('Add a star')}
      onClick={() => props.onChange(!starred)}
    >
      {starred ? '★' : '☆'}
    </button>
  );
}
