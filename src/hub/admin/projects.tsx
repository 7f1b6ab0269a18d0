import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';

import type { MLWSClient } from '../../api/client';
import type { IStoredProject } from '../../api/models';
import { readMore } from '../../api/pages';
import { Failure } from '../../ui/errorBox';
import { fileSize, fullTime, relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import { Failures, usePages } from '../../ui/server';
import { ActionButton, ActionGroup } from '../containers/actions';
import type { IQuestion } from '../containers/labels';
import {
  MEMBERSHIP,
  projectPath,
  STORED_PROJECTS
} from '../sharedProjects/labels';
import { Members } from '../sharedProjects/members';
import { Grid } from './grid';

const QUERY = { limit: 100 };

type ProjectAction = 'trash' | 'restore' | 'delete';
interface IRequest {
  action: ProjectAction;
  name: string;
}

/** The question before an action; null if it can be undone at once. */
function questionBefore({ action, name }: IRequest): IQuestion | null {
  switch (action) {
    case 'trash':
      return {
        title: trans.__('Move %1 to Trash?', name),
        lost: trans.__('Its members no longer see it.'),
        kept: trans.__('It can be restored from the trash.'),
        accept: trans.__('Move to Trash')
      };
    case 'delete':
      return {
        title: trans.__('Delete %1 permanently?', name),
        lost: trans.__('Its code and data on the Hub are deleted.'),
        kept: trans.__("Members' clones are kept."),
        accept: trans.__('Delete')
      };
    case 'restore':
      return null;
  }
}

function ProjectRow(props: {
  project: IStoredProject;
  isOpen: boolean;
  isBusy: boolean;
  onToggle: () => void;
  onAct: (action: ProjectAction) => void;
}): JSX.Element {
  const { project, isOpen, isBusy, onAct } = props;
  const { name, members, trashed_at } = project;
  const owners = members.filter(({ role }) => role === 'owner');
  return (
    <tr data-mlws-shared-project={name}>
      <th scope="row" title={project.description || undefined}>
        {name}
      </th>
      <td className="jp-mlws-Grid-text">
        {owners.map(({ user }) => user).join(', ') || '–'}
      </td>
      <td>
        {trashed_at === null ? (
          <button
            className="jp-mlws-Link"
            aria-expanded={isOpen}
            aria-label={trans.__('Members of %1', name)}
            onClick={props.onToggle}
          >
            {trans._n('%1 member', '%1 members', members.length)}
          </button>
        ) : (
          trans._n('%1 member', '%1 members', members.length)
        )}
      </td>
      <td>
        {trans.__('%1 of %2', fileSize(project.size), fileSize(project.quota))}
      </td>
      <td title={fullTime(project.created_at)}>
        {relativeTime(project.created_at)}
      </td>
      <td title={trashed_at ? fullTime(trashed_at) : undefined}>
        {trashed_at === null
          ? trans.__('current')
          : trans.__('in trash since %1', relativeTime(trashed_at))}
      </td>
      <td>
        <ActionGroup of={name}>
          {trashed_at === null ? (
            <ActionButton
              name="trash"
              label={trans.__('Move %1 to Trash', name)}
              disabled={isBusy}
              onClick={() => onAct('trash')}
            />
          ) : (
            <>
              <ActionButton
                name="restore"
                label={trans.__('Restore %1', name)}
                disabled={isBusy}
                onClick={() => onAct('restore')}
              />
              <ActionButton
                name="delete"
                label={trans.__('Delete %1 Permanently', name)}
                disabled={isBusy}
                onClick={() => onAct('delete')}
              />
            </>
          )}
        </ActionGroup>
      </td>
    </tr>
  );
}

/** All shared projects with their sizes, owners and members, for administrators. */
export function SharedProjects(props: {
  client: MLWSClient;
  confirm: (question: IQuestion) => Promise<boolean>;
  isReachable: boolean;
}): JSX.Element {
  const { client, confirm } = props;
  const [open, setOpen] = useState<string | null>(null);
  const projects = usePages(client, STORED_PROJECTS, QUERY);
  const act = useMutation(
    {
      mutationFn: async ({ action, name }: IRequest) => {
        const path = projectPath(name);
        await (action === 'restore'
          ? client.post(`${path}/restore`)
          : client.delete(path, { confirm: name }));
      },
      onSettled: () => client.refresh(...MEMBERSHIP)
    },
    client.queries
  );
  const ask = async (request: IRequest): Promise<void> => {
    const question = questionBefore(request);
    if (question === null || (await confirm(question))) {
      act.mutate(request);
    }
  };
  const items = projects.data?.items ?? [];
  const shown = items.find(({ name }) => name === open);
  return (
    <>
      <Grid
        name="SharedProjects"
        title={trans.__('Shared projects')}
        heads={[
          trans.__('Name'),
          trans.__('Owners'),
          trans.__('Members'),
          trans.__('Disk'),
          trans.__('Created'),
          trans.__('Status'),
          trans.__('Actions')
        ]}
        empty={
          projects.data
            ? trans.__(
                'No shared projects. Users create them in their lab, in the section “Shared projects”.'
              )
            : null
        }
        isLoading={!projects.data && !projects.error}
        notes={
          <>
            {props.isReachable && <Failures of={[projects]} />}
            {act.error && <Failure error={act.error} />}
          </>
        }
        more={
          projects.data?.next_cursor
            ? () => void readMore(client, STORED_PROJECTS, QUERY, 'items')
            : undefined
        }
      >
        {items.map(project => (
          <ProjectRow
            key={project.name}
            project={project}
            isOpen={project.name === open}
            isBusy={act.isPending}
            onToggle={() =>
              setOpen(project.name === open ? null : project.name)
            }
            onAct={action => void ask({ action, name: project.name })}
          />
        ))}
      </Grid>
      {shown && shown.trashed_at === null && (
        <section
          className="jp-mlws-SharedProject-members"
          aria-labelledby="mlws-shared-project"
        >
          <h3 id="mlws-shared-project">
            {trans.__('Members of %1', shown.name)}
          </h3>
          <Members project={shown} client={client} />
        </section>
      )}
    </>
  );
}
