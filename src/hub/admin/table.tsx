import { ContainerActions, type IContainerHost } from '../containers/actions';
import { Icon } from '../containers/icons';
import type { ContainersModel } from '../containers/model';
import { since, type Column, type IOrder } from '../containers/order';
import { ContainerState, hasNotes, Notes } from '../containers/status';
import { CpuMeter, MemoryMeter } from '../containers/usage';
import { nameOf } from '../containers/labels';
import { fullTime, relativeTime } from '../../ui/format';
import type { IContainer } from '../../api/models';
import { trans } from '../../ui/locale';
import { SortHead } from '../../ui/table/heading';
import { toggled, useValue } from '../../ui/state';

interface IProps {
  containers: readonly IContainer[];
  hasGpu: boolean;
  order: IOrder;
  model: ContainersModel;
  host: IContainerHost;
  /** Ids of the containers selected for bulk actions. */
  chosen: ReadonlySet<string>;
  onSort: (order: IOrder) => void;
  onChoose: (ids: ReadonlySet<string>) => void;
}

function Name(props: { container: IContainer }): JSX.Element {
  const { container } = props;
  const name = nameOf(container);
  return container.url === null ? (
    <>{name}</>
  ) : (
    <a
      href={container.url}
      target="_blank"
      rel="noreferrer"
      title={trans.__('Open %1', name)}
    >
      {name} <Icon name="open" />
    </a>
  );
}

function Row(props: IProps & { container: IContainer }): JSX.Element {
  const { container, model, host } = props;
  const { id, config, status } = container;
  return (
    <tr data-mlws-container={id} data-mlws-status={status}>
      <td>
        <input
          type="checkbox"
          checked={props.chosen.has(id)}
          aria-label={trans.__(
            'Select %1',
            `${container.user} / ${nameOf(container)}`
          )}
          onChange={() => props.onChoose(toggled(props.chosen, id))}
        />
      </td>
      <th scope="row">{container.user}</th>
      <td>
        <Name container={container} />
      </td>
      <td className="jp-mlws-Grid-image" title={config.image}>
        {config.image}
      </td>
      <td>
        <ContainerState container={container} />
      </td>
      <td>
        <CpuMeter container={container} />
      </td>
      <td>
        <MemoryMeter container={container} />
      </td>
      {props.hasGpu && <td>{container.resources.gpu ?? '–'}</td>}
      <td>{container.restarts}</td>
      <td title={fullTime(since(container))}>
        {relativeTime(since(container))}
      </td>
      <td>
        <ContainerActions container={container} model={model} host={host} />
      </td>
    </tr>
  );
}

/** Table of containers; notes on a container are below its row. */
export function ContainerTable(props: IProps): JSX.Element {
  const { containers, hasGpu, model, order } = props;
  const failures = useValue(model.failures);
  const headings: [Column, string][] = [
    ['user', trans.__('Owner')],
    ['name', trans.__('Name')],
    ['image', trans.__('Image')],
    ['status', trans.__('Status')],
    ['cpu', trans.__('CPU')],
    ['memory', trans.__('Memory')],
    ...(hasGpu ? [['gpu', trans.__('GPU')] as [Column, string]] : []),
    ['restarts', trans.__('Restarts')],
    ['age', trans.__('Last started')]
  ];
  return (
    <table className="jp-mlws-Grid jp-mlws-ContainerTable">
      <thead>
        <tr>
          <th scope="col">
            <input
              type="checkbox"
              data-mlws-action="choose-all"
              checked={containers.every(one => props.chosen.has(one.id))}
              aria-label={trans.__('Select all visible')}
              onChange={event =>
                props.onChoose(
                  new Set(
                    event.target.checked ? containers.map(one => one.id) : []
                  )
                )
              }
            />
          </th>
          {headings.map(([column, label]) => (
            <SortHead
              key={column}
              data-mlws-column={column}
              name={label}
              order={order.column === column ? order : null}
              onSort={() =>
                props.onSort({
                  column,
                  descending: order.column === column && !order.descending
                })
              }
            />
          ))}
          <th scope="col">{trans.__('Actions')}</th>
        </tr>
      </thead>
      {containers.map(container => (
        <tbody key={container.id}>
          <Row {...props} container={container} />
          {hasNotes(container, failures.get(container.id)) && (
            <tr className="jp-mlws-Grid-notes">
              <td colSpan={headings.length + 2}>
                <Notes
                  container={container}
                  model={model}
                  failure={failures.get(container.id)}
                />
              </td>
            </tr>
          )}
        </tbody>
      ))}
    </table>
  );
}
