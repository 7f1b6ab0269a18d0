import { Button } from '../ui/controls';
import { listText } from '../ui/format';
import type { IReproduction } from '../api/models';
import { trans } from '../ui/locale';
import type { RunActions } from './actions';

/** Worktree of a reproduced run: its location, and the next steps. */
export function Reproduced(props: {
  reproduction: IReproduction;
  actions: RunActions;
}): JSX.Element {
  const { reproduction, actions } = props;
  const { path, command, data, unavailable } = reproduction;
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
