import { deleteIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';

import type { MLWSClient } from '../api/client';
import type {
  IEnvironmentUse,
  IProjectEnvironment,
  IProjectEnvironmentDetail
} from '../api/models';
import { OperationView } from '../operations/operationView';
import { useOperation } from '../operations/tracker';
import { Button, Hint, SearchField } from '../ui/controls';
import { fileSize } from '../ui/format';
import { IconButton } from '../ui/iconButton';
import { trans } from '../ui/locale';
import { Answer, useGet } from '../ui/server';
import { useValue } from '../ui/state';
import { useFollow } from '../ui/useFollow';
import {
  environmentPath,
  TOOLS_THAT_ADD,
  type EnvironmentActions
} from './actions';
import { ROOT } from './forms';

/** Lists of more packages than this have a filter. */
const FILTER_LENGTH = 8;

/** The properties of all parts of the section. */
export interface IEnvironmentProps {
  client: MLWSClient;
  actions: EnvironmentActions;
}

/** An operation with the lines that its program has printed. */
export function OperationOutput(
  props: IEnvironmentProps & { place: string }
): JSX.Element {
  const { client, actions, place } = props;
  const lines = useValue(actions.output).get(place) ?? [];
  const { scroller, onScroll } = useFollow<HTMLPreElement>(lines);
  return (
    <>
      <OperationView
        tracker={actions.operations}
        place={place}
        client={client}
      />
      {lines.length > 0 && (
        <pre
          ref={scroller}
          className="jp-mlws-Output"
          role="log"
          aria-label={trans.__('Output')}
          tabIndex={0}
          onScroll={onScroll}
        >
          {lines.join('\n')}
        </pre>
      )}
    </>
  );
}

function Differences({
  detail
}: {
  detail: IProjectEnvironmentDetail;
}): JSX.Element | null {
  if (detail.differences.length === 0) {
    return null;
  }
  return (
    <div className="jp-mlws-Note jp-mod-warn">
      {trans.__('The lock has other versions:')}
      <ul className="jp-mlws-Differences">
        {detail.differences.map(({ name, version, locked }) => (
          <li key={name} data-mlws-difference={name}>
            {name} {version ?? trans.__('(not installed)')} →{' '}
            {locked ?? trans.__('any version')}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Uses(props: {
  uses: readonly IEnvironmentUse[];
  onOpen: (use: IEnvironmentUse) => void;
}): JSX.Element | null {
  if (props.uses.length === 0) {
    return null;
  }
  return (
    <p className="jp-mlws-Uses">
      {trans._p('environment', 'Used by')}{' '}
      {props.uses.map(use => (
        <Button
          key={`${use.path} ${use.name}`}
          minimal
          title={use.path}
          onClick={() => props.onOpen(use)}
        >
          {use.name}
        </Button>
      ))}
    </p>
  );
}

function Packages(
  props: IEnvironmentProps & {
    detail: IProjectEnvironmentDetail;
    isBusy: boolean;
  }
): JSX.Element {
  const { actions, detail, isBusy } = props;
  const [filter, setFilter] = useState('');
  const required = new Set(detail.required);
  const names = Object.keys(detail.packages);
  const matches = names
    .filter(name => name.includes(filter.trim().toLowerCase()))
    .sort((a, b) => Number(required.has(b)) - Number(required.has(a)));
  const canRemove = TOOLS_THAT_ADD.includes(detail.tool);
  return (
    <>
      {names.length > FILTER_LENGTH && (
        <SearchField
          className="jp-mod-styled jp-mlws-PackageFilter"
          label={trans.__('Filter packages')}
          value={filter}
          onChange={setFilter}
        />
      )}
      <ul
        className="jp-mlws-Rows jp-mlws-Packages"
        aria-label={trans.__('Packages of %1', detail.name)}
      >
        {matches.map(name => (
          <li
            key={name}
            className="jp-mlws-Row"
            data-mlws-package={name}
            title={
              required.has(name)
                ? undefined
                : trans.__('Installed because other packages need it')
            }
          >
            <span
              className={
                required.has(name)
                  ? 'jp-mlws-Row-name jp-mod-required'
                  : 'jp-mlws-Row-name'
              }
            >
              {name}
            </span>
            <span className="jp-mlws-Row-folder">{detail.packages[name]}</span>
            {required.has(name) && canRemove && (
              <IconButton
                icon={deleteIcon}
                label={trans.__('Remove')}
                of={name}
                disabled={isBusy}
                onClick={() => actions.remove(detail.name, name)}
              />
            )}
          </li>
        ))}
      </ul>
      {names.length > 0 && matches.length === 0 && (
        <Hint>{trans.__('No package has this in its name.')}</Hint>
      )}
    </>
  );
}

function Detail(
  props: IEnvironmentProps & { detail: IProjectEnvironmentDetail }
): JSX.Element {
  const { actions, detail } = props;
  const { host } = actions;
  const { name, state, tool } = detail;
  const isBusy = useOperation(actions.operations, name)?.state === 'running';
  const isInstalled = state !== 'missing';
  const canAdd = TOOLS_THAT_ADD.includes(tool);
  const files = [...detail.files, ...(detail.lock ? [detail.lock] : [])];
  const count = Object.keys(detail.packages).length;
  return (
    <>
      <div className="jp-mlws-Tools">
        <Button
          disabled={isBusy || !canAdd}
          title={
            canAdd
              ? undefined
              : trans.__(
                  'Edit %1, then select Install: %2 has no command for it.',
                  detail.files[0],
                  tool
                )
          }
          onClick={() => actions.add(detail)}
        >
          {trans.__('Add Packages…')}
        </Button>
        <Button
          disabled={isBusy}
          title={trans.__('Install what the lock says')}
          onClick={() => actions.install(detail)}
        >
          {trans.__('Install')}
        </Button>
        <Button
          disabled={isBusy || tool === 'conda'}
          title={trans.__('Write the lock from the definition')}
          onClick={() => actions.lock(detail)}
        >
          {trans._p('environment', 'Lock')}
        </Button>
        {isInstalled && !detail.needs_ipykernel && (
          <Button
            disabled={isBusy}
            title={trans.__('Create a notebook that runs in this environment')}
            onClick={() => host.newNotebook(detail)}
          >
            {trans.__('New Notebook')}
          </Button>
        )}
        {isInstalled && detail.needs_ipykernel && canAdd && (
          <Button
            disabled={isBusy}
            title={trans.__('Notebooks need it to run in this environment')}
            onClick={() => void actions.addKernel(name)}
          >
            {trans.__('Add ipykernel')}
          </Button>
        )}
        <Button
          disabled={isBusy || (name === ROOT && !isInstalled)}
          onClick={() => actions.delete(detail)}
        >
          {trans.__('Delete…')}
        </Button>
      </div>
      <Differences detail={detail} />
      <Uses uses={detail.used_by} onOpen={use => host.openUse(use)} />
      <p className="jp-mlws-Uses">
        {trans.__('Defined by')}{' '}
        {[...new Set(files)].map(file => (
          <Button
            key={file}
            minimal
            title={trans.__('Open %1', file)}
            onClick={() => host.openFile(file)}
          >
            {file}
          </Button>
        ))}
      </p>
      {isInstalled && (
        <Hint>
          {trans._n(
            '%1 package, %2',
            '%1 packages, %2',
            count,
            fileSize(detail.size)
          )}
        </Hint>
      )}
      <Packages {...props} isBusy={isBusy} />
    </>
  );
}

/** The details of an expanded environment, and the actions on it. */
export function EnvironmentDetail(
  props: IEnvironmentProps & { environment: IProjectEnvironment }
): JSX.Element {
  const { client, environment } = props;
  const answer = useGet(client, environmentPath(environment.name));
  return (
    <div className="jp-mlws-Dataset-detail">
      <Answer of={answer}>
        {detail => <Detail {...props} detail={detail} />}
      </Answer>
    </div>
  );
}
