import type { IContainer } from '../../api/models';
import { Hint } from '../../ui/controls';
import { relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { BudgetMeterRow } from './budgets';
import { ContainerActions, ActionButton, type IContainerHost } from './actions';
import { NewContainer } from './createForm';
import { Environments } from './environments';
import { LiveRegion } from './liveRegion';
import { Answer, Failures, ServerView, useGet } from '../../ui/server';
import { useValue } from '../../ui/state';
import { useContainers, useReport, type ContainersModel } from './model';
import { ContainerState, hasNotes, Notes } from './status';
import { CpuMeter, MemoryMeter } from './usage';
import { nameOf } from './labels';

/** Operations that the lab provides to its list of containers. */
export interface ILabHost extends IContainerHost {
  open(container: IContainer): void;
  /** Id of the container that this lab runs in. */
  readonly here: string;
}

interface IProps {
  model: ContainersModel;
  host: ILabHost;
}

function Row(props: IProps & { container: IContainer }): JSX.Element {
  const { container, model, host } = props;
  const { id, status } = container;
  const failure = useValue(model.failures).get(id);
  const name = nameOf(container);
  return (
    <li
      className="jp-mlws-ContainerRow"
      data-mlws-container={id}
      data-mlws-status={status}
    >
      <div className="jp-mlws-ContainerRow-head">
        <strong>{name}</strong>
        <ContainerState container={container} />
        {id === host.here && (
          <span className="jp-mlws-Badge jp-mlws-Current">
            {trans.__('current')}
          </span>
        )}
        {id !== host.here && container.url !== null && (
          <ActionButton
            name="open"
            label={trans.__('Open %1', name)}
            onClick={() => host.open(container)}
          />
        )}
        <ContainerActions container={container} model={model} host={host} />
      </div>
      <div
        className="jp-mlws-ContainerRow-image"
        title={container.config.image}
      >
        {container.config.image}
      </div>
      <CpuMeter container={container} />
      <MemoryMeter container={container} />
      {hasNotes(container, failure) && (
        <Notes container={container} model={model} failure={failure} />
      )}
    </li>
  );
}

/** The budgets that apply to the user. */
function Budgets({ model }: { model: ContainersModel }): JSX.Element | null {
  const { data } = useGet(model.client, '/resources/budgets');
  if (!data || data.items.length === 0) {
    return null;
  }
  return (
    <section
      className="jp-mlws-Budgets"
      aria-label={trans.__('Budgets this month')}
    >
      {data.items.map(budget => (
        <BudgetMeterRow
          key={budget.meter}
          budget={budget}
          owner={model.owner ?? ''}
        />
      ))}
      <Hint>
        {trans.__('Budgets start anew %1.', relativeTime(data.resets_at))}
      </Hint>
    </section>
  );
}

function List(props: IProps): JSX.Element {
  const { model } = props;
  const containers = useContainers(model);
  const report = useReport(model);
  const lost = useValue(model.lost);
  return (
    <Answer of={containers}>
      {items => (
        <>
          <Failures of={[report]} />
          {lost && (
            <p className="jp-mlws-Note jp-mod-warn" role="status">
              {trans.__(
                'Connection lost. Reconnecting… What you see may be out of date.'
              )}
            </p>
          )}
          <LiveRegion model={model} />
          <NewContainer
            model={model}
            report={report.data}
            className="jp-mlws-NewContainer"
          />
          <Budgets model={model} />
          <ul className="jp-mlws-Rows" aria-label={trans.__('My containers')}>
            {items.map(container => (
              <Row key={container.id} {...props} container={container} />
            ))}
          </ul>
          <Environments
            model={model}
            here={items.find(({ id }) => id === props.host.here) ?? null}
          />
        </>
      )}
    </Answer>
  );
}

/** List of the user's containers, in the sidebar. */
export function containersView(
  model: ContainersModel,
  host: ILabHost
): ServerView {
  const { client } = model;
  return new ServerView(client, () => <List model={model} host={host} />, {
    id: 'jp-mlws-containers',
    label: trans.__('Containers'),
    className: 'jp-mlws-Section jp-mlws-Containers',
    help: 'reference-containers',
    paths: ['/containers', '/resources', '/resources/budgets', '/environments']
  });
}
