import { Button } from '../ui/controls';
import { listText } from '../ui/format';
import type { IRebuiltEnvironment, IReproduction } from '../api/models';
import { trans } from '../ui/locale';
import type { RunActions } from './actions';

/** Worktree of a reproduced run: its location, and the next steps. */
export function Reproduced(props: {
  reproduction: IReproduction;
  actions: RunActions;
}): JSX.Element {
  const { reproduction, actions } = props;
  const { path, command, data, environments, unavailable } = reproduction;
  return (
    <section
      className="jp-mlws-Note jp-mlws-Reproduced"
      aria-label={trans.__('Reproduced')}
      data-mlws-reproduction={path}
    >
      <p>
        {trans.__(
          'Your files were not changed. The starting state of the run was recreated in ' +
            'its own folder:'
        )}{' '}
        <code>{path}</code>
      </p>
      {data.length > 0 && (
        <p>{trans.__('Data included: %1', listText(data))}</p>
      )}
      {unavailable.length > 0 && (
        <ul>
          {unavailable.map(one => (
            <li key={one.path}>
              {one.made
                ? trans.__(
                    'Not stored anywhere; a run will regenerate it: %1',
                    one.path
                  )
                : trans.__('Not stored anywhere: %1', one.path)}
            </li>
          ))}
        </ul>
      )}
      {environments.map(one => (
        <Rebuilt key={one.id} environment={one} />
      ))}
      {command && (
        <p>
          {trans.__('Command to rerun it:')} <code>{command}</code>
        </p>
      )}
      <div className="jp-mlws-Tools">
        <Button onClick={() => actions.openFolder(reproduction)}>
          {trans.__('Open Folder')}
        </Button>
        {command && (
          <Button onClick={() => actions.copyCommand(reproduction)}>
            {trans.__('Copy Command')}
          </Button>
        )}
        <Button
          minimal
          onClick={() => actions.removeReproduction(reproduction)}
        >
          {trans.__('Remove…')}
        </Button>
      </div>
    </section>
  );
}

/** An environment of the run: where it was built again, and what is not as it was. */
function Rebuilt({
  environment
}: {
  environment: IRebuiltEnvironment;
}): JSX.Element {
  const { title, source, name, prefix, unavailable, differences } = environment;
  return (
    <>
      <p>
        {source === 'present'
          ? trans.__('%1: the present environment is the same', title)
          : source === 'lock'
            ? trans.__('%1: built from the lock of %2', title, name ?? '')
            : prefix !== null
              ? trans.__(
                  '%1: built from the record of the run, in %2',
                  title,
                  prefix
                )
              : trans.__(
                  '%1: not built, the present environment is used',
                  title
                )}
      </p>
      {unavailable.length + differences.length > 0 && (
        <ul>
          {unavailable.map(one => (
            <li key={one.name} title={one.reason ?? undefined}>
              {trans.__(
                'Could not be installed: %1',
                `${one.name} ${one.version ?? ''}`
              )}
            </li>
          ))}
          {differences.map(one => (
            <li key={one.name}>
              {`${one.name} ${one.before ?? '–'} → ${one.after ?? '–'}`}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
