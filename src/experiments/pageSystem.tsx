import type { IExperimentRun, IRunDetail } from '../api/models';
import { Empty, Hint } from '../ui/controls';
import { trans } from '../ui/locale';
import { CurvePanel } from './curvePanel';
import { isSystemMetric, type IPartProps } from './pageParts';

/** Nodes whose curves are shown, those that ran longest. */
const MAX_NODES = 10;

const measuredParts = (run: IRunDetail) =>
  run.parts.filter(part => part.system_metrics.length > 0);

/** The run, or its nodes as runs, if they have system metrics; those that ran longest first. */
export function measuredRuns(run: IRunDetail): IExperimentRun[] {
  const nodes = measuredParts(run)
    .sort((one, other) => (other.duration ?? 0) - (one.duration ?? 0))
    .slice(0, MAX_NODES)
    .map(part => ({
      ...run,
      id: part.id,
      run: part.id,
      title: part.node ?? part.title,
      node: part.node
    }));
  return Object.keys(run.metrics).some(isSystemMetric)
    ? [run, ...nodes]
    : nodes;
}

/** CPU, memory, disk and GPU use of the run or of its nodes. */
export function System({ client, run, themes }: IPartProps): JSX.Element {
  const runs = measuredRuns(run);
  const names = [
    ...Object.keys(run.metrics).filter(isSystemMetric),
    ...run.parts.flatMap(part => part.system_metrics)
  ];
  if (runs.length === 0) {
    return (
      <Empty>
        {trans.__(
          'No system metrics. They are recorded for nodes that run longer than a second, and by MLflow for scripts that enable them.'
        )}
      </Empty>
    );
  }
  const measured = measuredParts(run);
  return (
    <>
      {measured.length > MAX_NODES && (
        <Hint>
          {trans.__(
            'The %1 of %2 nodes that ran longest',
            MAX_NODES,
            measured.length
          )}
        </Hint>
      )}
      <CurvePanel
        client={client}
        runs={runs}
        metrics={[...new Set(names)].sort()}
        themes={themes}
        axis="relative"
      />
    </>
  );
}
