import { ActionButton, ActionGroup } from '../containers/actions';
import type { ContainersModel } from '../containers/model';
import { resourcesText } from '../containers/labels';
import { duration, fullTime, relativeTime } from '../../ui/format';
import type { IWaiting } from '../../api/models';
import { trans } from '../../ui/locale';
import { Grid } from './grid';

function QueueActions(props: {
  one: IWaiting;
  last: number;
  model: ContainersModel;
  isAdmin: boolean;
}): JSX.Element {
  const { one, last, model, isAdmin } = props;
  const { id, position } = one;
  return (
    <ActionGroup of={id}>
      {isAdmin && (
        <>
          <ActionButton
            name="up"
            label={trans.__('Move %1 up', id)}
            disabled={position === 1}
            onClick={() => void model.requeue(id, position - 1)}
          />
          <ActionButton
            name="down"
            label={trans.__('Move %1 down', id)}
            disabled={position === last}
            onClick={() => void model.requeue(id, position + 1)}
          />
        </>
      )}
      <ActionButton
        name="close"
        label={trans.__('Remove %1 from the queue', id)}
        onClick={() => void model.requeue(id, null)}
      />
    </ActionGroup>
  );
}

/** Queue of requests for resources. */
export function Queue(props: {
  waiting: readonly IWaiting[];
  model: ContainersModel;
  isAdmin: boolean;
}): JSX.Element {
  const { waiting, model, isAdmin } = props;
  return (
    <Grid
      name="Queue"
      title={trans.__('Queue')}
      heads={[
        trans.__('Position'),
        trans.__('Owner'),
        trans.__('Name'),
        trans.__('Requested'),
        trans.__('Priority'),
        trans.__('Waiting since'),
        trans.__('Estimated wait'),
        trans.__('Actions')
      ]}
      empty={trans.__('No containers in the queue.')}
    >
      {waiting.map(one => (
        <tr key={one.id} data-mlws-waiting={one.id}>
          <td>{one.position}</td>
          <th scope="row">{one.user}</th>
          <td>{one.id.slice(one.user.length + 2)}</td>
          <td>{resourcesText(one.resources)}</td>
          <td>{one.priority}</td>
          <td title={fullTime(one.since)}>{relativeTime(one.since)}</td>
          <td>
            {one.eta_seconds === null
              ? '–'
              : trans.__('about %1', duration(one.eta_seconds))}
          </td>
          <td>
            <QueueActions
              one={one}
              last={waiting.length}
              model={model}
              isAdmin={isAdmin}
            />
          </td>
        </tr>
      ))}
    </Grid>
  );
}
