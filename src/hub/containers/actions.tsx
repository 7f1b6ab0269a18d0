import { useState, type ReactNode } from 'react';

import type { ContainerStatus, IContainer } from '../../api/models';
import { trans } from '../../ui/locale';
import { Dialog } from './dialog';
import { Icon, type IconName } from './icons';
import { useValue } from '../../ui/state';
import { useReport, type Action, type ContainersModel } from './model';
import { ResizeForm } from './resizeForm';
import { nameOf, questionBefore, type IQuestion } from './labels';

/** Operations that the page or the lab provides to a list of containers. */
export interface IContainerHost {
  /** Asks for confirmation; resolves to true to continue. */
  ask(question: IQuestion, container: IContainer): Promise<boolean>;
  openLogs(container: IContainer): void;
}

const STOPPED_STATUSES: ContainerStatus[] = ['STOPPED', 'CRASHED'];
const RUNNING_STATUSES: ContainerStatus[] = ['RUNNING', 'UNHEALTHY'];

/** Tests whether an action is possible in the container's state. */
export function isPossible(action: Action, status: ContainerStatus): boolean {
  const possible: Record<Action, boolean> = {
    start: STOPPED_STATUSES.includes(status),
    stop: !STOPPED_STATUSES.includes(status) && status !== 'STOPPING',
    restart: RUNNING_STATUSES.includes(status),
    delete: status !== 'STOPPING'
  };
  return possible[action];
}

/** Tests whether a container can be resized in its state. */
function isResizable(status: ContainerStatus): boolean {
  return [...STOPPED_STATUSES, ...RUNNING_STATUSES, 'QUEUED'].includes(status);
}

/** Performs an action, after confirmation if it is destructive. */
export async function perform(
  action: Action,
  container: IContainer,
  model: ContainersModel,
  host: IContainerHost
): Promise<void> {
  const question = questionBefore(action, container);
  if (question === null || (await host.ask(question, container))) {
    await model.act(action, container.id);
  }
}

export function ActionButton(props: {
  name: IconName;
  label: string;
  disabled?: boolean;
  busy?: boolean;
  onClick: () => void;
}): JSX.Element {
  return (
    <button
      className="jp-mlws-IconButton"
      data-mlws-action={props.name}
      title={props.label}
      aria-label={props.label}
      aria-busy={props.busy}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon name={props.name} />
    </button>
  );
}

/** Group of actions with an accessible name. */
export function ActionGroup(props: {
  of: string;
  children: ReactNode;
}): JSX.Element {
  return (
    <span
      className="jp-mlws-Actions"
      role="group"
      aria-label={trans.__('Actions for %1', props.of)}
    >
      {props.children}
    </span>
  );
}

export function ContainerActions(props: {
  container: IContainer;
  model: ContainersModel;
  host: IContainerHost;
}): JSX.Element {
  const { container, model, host } = props;
  const [isResizing, setIsResizing] = useState(false);
  const busy = useValue(model.busy).get(container.id);
  const { data: report } = useReport(model);
  const name = nameOf(container);
  const button = (action: Action, label: string) => (
    <ActionButton
      name={action}
      label={label}
      busy={busy === action}
      disabled={busy !== undefined || !isPossible(action, container.status)}
      onClick={() => void perform(action, container, model, host)}
    />
  );
  return (
    <ActionGroup of={`${container.user} / ${name}`}>
      {button('start', trans.__('Start %1', name))}
      {button('stop', trans.__('Stop %1', name))}
      {button('restart', trans.__('Restart %1', name))}
      <ActionButton
        name="resize"
        label={trans.__('Resize %1', name)}
        disabled={!isResizable(container.status) || report === undefined}
        onClick={() => setIsResizing(true)}
      />
      <ActionButton
        name="logs"
        label={trans.__('Logs of %1', name)}
        onClick={() => host.openLogs(container)}
      />
      {button('delete', trans.__('Delete %1', name))}
      {isResizing && report && (
        <Dialog
          title={trans.__('Resize %1', `${container.user} / ${name}`)}
          onClose={() => setIsResizing(false)}
        >
          <ResizeForm
            container={container}
            model={model}
            report={report}
            onDone={() => setIsResizing(false)}
          />
        </Dialog>
      )}
    </ActionGroup>
  );
}
