import { listText } from '../../ui/format';
import { isPossible, type IContainerHost } from '../containers/actions';
import type { Action, ContainersModel } from '../containers/model';
import { nameOf, type IQuestion } from '../containers/labels';
import type { IContainer } from '../../api/models';
import { trans } from '../../ui/locale';

/** Actions on several containers at once. */
const ACTIONS: Action[] = ['start', 'stop', 'restart', 'delete'];

function questionBefore(
  action: Action,
  several: readonly IContainer[]
): IQuestion | null {
  const count = several.length;
  const titles: Record<Action, string> = {
    start: '',
    stop: trans._n('Stop %1 container?', 'Stop %1 containers?', count),
    restart: trans._n('Restart %1 container?', 'Restart %1 containers?', count),
    delete: trans._n('Delete %1 container?', 'Delete %1 containers?', count)
  };
  if (action === 'start') {
    return null;
  }
  const names = several.map(one => `${one.user} / ${nameOf(one)}`);
  return {
    title: titles[action],
    lost: trans.__(
      '%1: kernels and terminals are stopped; unsaved data in memory is lost.',
      listText(names)
    ),
    kept: trans.__('Home folders are kept.'),
    accept: actionLabel(action)
  };
}

function actionLabel(action: Action): string {
  const labels: Record<Action, string> = {
    start: trans.__('Start'),
    stop: trans.__('Stop'),
    restart: trans.__('Restart'),
    delete: trans.__('Delete')
  };
  return labels[action];
}

/** Actions on all selected containers, each on those whose state allows it. */
export function BulkActions(props: {
  chosen: readonly IContainer[];
  model: ContainersModel;
  host: Pick<IContainerHost, 'ask'>;
  onDone: () => void;
}): JSX.Element {
  const { chosen, model, host } = props;
  const fitting = (action: Action) =>
    chosen.filter(one => isPossible(action, one.status));
  const perform = async (action: Action): Promise<void> => {
    const several = fitting(action);
    const question = questionBefore(action, several);
    if (question === null || (await host.ask(question, several[0]))) {
      await Promise.all(several.map(one => model.act(action, one.id)));
      props.onDone();
    }
  };
  return (
    <div
      className="jp-mlws-Bulk"
      role="group"
      aria-label={trans.__('Actions for selection')}
    >
      <span role="status">{trans.__('%1 selected', chosen.length)}</span>
      {ACTIONS.map(action => (
        <button
          key={action}
          className="jp-mod-styled"
          data-mlws-bulk={action}
          disabled={fitting(action).length === 0}
          onClick={() => void perform(action)}
        >
          {actionLabel(action)}
        </button>
      ))}
    </div>
  );
}
