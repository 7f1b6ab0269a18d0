import type { IRun, IWorkflowResults } from '../../api/models';
import { duration, numberText } from '../../ui/format';
import { trans } from '../../ui/locale';
import { runStatusText } from '../../ui/runStatus';
import { metricLabel } from '../certainty';
import { failureSentence } from '../failure';
import { RunState } from '../store/run';

/** The content of the card of a node in a run. */
export type IRunCard = {
  /** Null if the node was not part of the run. */
  status: string | null;
  /** Status and duration. */
  state: string;
  /** The main metric, or why it failed; empty if it has neither. */
  result: string;
  /** The node, or of a sweep the variant that matters most, whose log is shown. */
  log: string | null;
};

/** Returns the cards of a run by the ids of stages; a sweep's variants are taken together. */
export function runCards(
  stages: readonly string[],
  run: IRun,
  results: IWorkflowResults | undefined
): Map<string, IRunCard> {
  const state = new RunState();
  state.load(run);
  const measures = new Map(
    results?.nodes.map(({ id, measure }) => [id, measure])
  );
  return new Map(
    stages.map((stage): [string, IRunCard] => {
      const most = state.nodes.get(stage);
      if (!most) {
        const words = trans.__('Not part of this run');
        return [stage, { status: null, state: words, result: '', log: null }];
      }
      const nodes = run.nodes.filter(({ id }) => id.split('@')[0] === stage);
      const seconds = nodes.reduce((sum, one) => sum + (one.duration ?? 0), 0);
      const measure = measures.get(stage);
      const words = [
        runStatusText(most.status),
        nodes.length > 1 && trans._n('%1 variant', '%1 variants', nodes.length),
        nodes.some(one => one.duration !== null) && duration(seconds)
      ];
      const metric = measure && [
        measure.model,
        metricLabel(measure.metric),
        numberText(measure.value)
      ];
      return [
        stage,
        {
          status: most.status,
          state: words.filter(Boolean).join(' · '),
          result: most.error
            ? failureSentence(most.error)
            : (metric?.filter(Boolean).join(' ') ?? ''),
          log: nodes.find(one => one.status === most.status)?.id ?? null
        }
      ];
    })
  );
}
