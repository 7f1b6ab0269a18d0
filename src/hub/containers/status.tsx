import type { APIError } from '../../api/client';
import { Hint } from '../../ui/controls';
import { Failure } from '../../ui/errorBox';
import { duration, fullTime } from '../../ui/format';
import type { IContainer, IQueuePlace } from '../../api/models';
import { trans } from '../../ui/locale';
import type { ContainersModel } from './model';
import { containerStatusLabel } from './labels';

/** Label of the state in its color. */
export function ContainerState(props: { container: IContainer }): JSX.Element {
  const { container } = props;
  return (
    <span
      className="jp-mlws-ContainerState"
      data-mlws-status={container.status}
      title={container.health ?? undefined}
    >
      {containerStatusLabel(container.status)}
    </span>
  );
}

/** "Place 2 in the queue, about 3:00 min" */
function placeText(place: IQueuePlace): string {
  return place.eta_seconds === null
    ? trans.__('Position %1 in queue', place.position)
    : trans.__(
        'Position %1 in queue, about %2 left',
        place.position,
        duration(place.eta_seconds)
      );
}

/** Tests whether a container has notes below its row. */
export function hasNotes(
  container: IContainer,
  failure: APIError | undefined
): boolean {
  return (
    failure !== undefined ||
    container.queue !== null ||
    Boolean(container.reason) ||
    Boolean(container.notice) ||
    container.config.rescue ||
    container.config.started_by !== null ||
    container.last_log.length > 0
  );
}

/** Position in the queue, reason of a stop, last output, and error of an action. */
export function Notes(props: {
  container: IContainer;
  model: ContainersModel;
  failure: APIError | undefined;
}): JSX.Element {
  const { container, model, failure } = props;
  return (
    <>
      {failure && (
        <>
          <Failure error={failure} />
          <button
            className="jp-mlws-Link"
            onClick={() => model.dismiss(container.id)}
          >
            {trans.__('Dismiss')}
          </button>
        </>
      )}
      {container.queue && <Hint>{placeText(container.queue)}</Hint>}
      {container.config.started_by !== null && (
        <Hint>{trans.__('Started by %1.', container.config.started_by)}</Hint>
      )}
      {container.config.rescue && (
        <Hint>
          {trans.__(
            'Rescue mode: nothing is written to the home folder. Free up space, then stop and start it.'
          )}
        </Hint>
      )}
      {container.notice && (
        <p className="jp-mlws-Note jp-mod-warn" role="status">
          {container.notice}
          {container.stop_at &&
            ` ${trans.__('It stops at %1.', fullTime(container.stop_at))}`}
        </p>
      )}
      {container.reason && <p className="jp-mlws-Reason">{container.reason}</p>}
      {container.last_log.length > 0 && (
        <details className="jp-mlws-LastLog">
          <summary>{trans.__('Last log lines')}</summary>
          <pre>{container.last_log.join('\n')}</pre>
        </details>
      )}
    </>
  );
}
