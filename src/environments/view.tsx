import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';

import packageSvg from '../../style/icons/lucide/package-open.svg';
import type { IProjectEnvironment } from '../api/models';
import { Hint } from '../ui/controls';
import { icon } from '../ui/fileIcons';
import { listText } from '../ui/format';
import { trans } from '../ui/locale';
import { RowIcon, RowParts } from '../ui/rowParts';
import { Rows } from '../ui/rows';
import { Answer, ServerView, useGet } from '../ui/server';
import { toggled, useValue } from '../ui/state';
import { NEW } from './actions';
import {
  EnvironmentDetail,
  OperationOutput,
  type IEnvironmentProps
} from './detail';
import { ROOT } from './forms';
import { stateHelp, stateLabel } from './labels';

export const environmentIcon = icon('environment', packageSvg);

function EnvironmentRow(
  props: IEnvironmentProps & { environment: IProjectEnvironment }
): JSX.Element {
  const { environment } = props;
  const { expanded } = props.actions;
  const { name, tool, state, files } = environment;
  const isOpen = useValue(expanded).has(name);
  const facts = [name, tool, listText(files), stateLabel(state)];
  return (
    <li data-mlws-environment={name}>
      <button
        className="jp-mlws-Row"
        data-mlws-row
        aria-expanded={isOpen}
        aria-label={listText(facts)}
        title={[...facts, stateHelp(state)].join('\n')}
        onClick={() => (expanded.value = toggled(expanded.value, name))}
      >
        <RowIcon icon={isOpen ? caretDownIcon : caretRightIcon} />
        <RowParts
          icon={environmentIcon}
          name={name}
          facts={`${tool} · ${listText(files)}`}
        />
        <span className="jp-mlws-Badge" data-mlws-state={state}>
          {stateLabel(state)}
        </span>
      </button>
      <OperationOutput {...props} place={name} />
      {isOpen && <EnvironmentDetail {...props} environment={environment} />}
    </li>
  );
}

function Environments(
  props: IEnvironmentProps & { items: readonly IProjectEnvironment[] }
): JSX.Element {
  const { actions, items } = props;
  const isEmpty = items.length === 0;
  return (
    <>
      {isEmpty && (
        <Hint>
          {trans.__(
            'An environment has the packages that nodes and notebooks run with, in locked versions.'
          )}
        </Hint>
      )}
      <div className="jp-mlws-Tools">
        <button
          className={`jp-mlws-CreateEnvironmentButton jp-mlws-Wide jp-mod-styled${isEmpty ? ' jp-mod-accept' : ''}`}
          onClick={() =>
            void actions.create(
              items.some(one => one.name === ROOT) ? '' : ROOT
            )
          }
        >
          {trans.__('Create Environment…')}
        </button>
      </div>
      <OperationOutput {...props} place={NEW} />
      <Rows label={trans.__('Environments')}>
        {items.map(environment => (
          <EnvironmentRow
            key={environment.name}
            {...props}
            environment={environment}
          />
        ))}
      </Rows>
    </>
  );
}

function Section(props: IEnvironmentProps): JSX.Element {
  return (
    <Answer of={useGet(props.client, '/envs')}>
      {({ items }) => <Environments {...props} items={items} />}
    </Answer>
  );
}

/** Environments of the project: packages, locks, and what runs in them. */
export function environmentsView(props: IEnvironmentProps): ServerView {
  return new ServerView(props.client, () => <Section {...props} />, {
    id: 'jp-mlws-environments',
    label: trans.__('Environments'),
    className: 'jp-mlws-Section jp-mlws-Environments',
    help: 'how-to-own-environment',
    paths: ['/envs']
  });
}
