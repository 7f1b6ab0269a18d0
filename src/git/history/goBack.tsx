import type { JupyterFrontEnd } from '@jupyterlab/application';
import { undoIcon } from '@jupyterlab/ui-components';

import type { MLWSClient } from '../../api/client';
import type { ISafetyCopy, ISnapshot } from '../../api/models';
import { ask } from '../../lab/confirm';
import { addCommand, describeArgs } from '../../lab/describeArgs';
import { DialogForm } from '../../lab/dialogForm';
import { dataOf } from '../../lab/contextMenu';
import { notifyOnError } from '../../lab/notify';
import type { Restorer } from '../../lab/restorer';
import { Hint, Select } from '../../ui/controls';
import { listText, relativeTime } from '../../ui/format';
import { trans } from '../../ui/locale';
import type { ICode } from '../actions';
import { copyFacts, copyLabel } from '../branches/branchesView';
import type { CommitDraft } from '../changes/commit';
import { NO_FILTER, queryOf, subjectOf } from './history';

/** Files of a safety copy that are named. */
const MAX_NAMES = 8;

const WAYS = [
  'restore',
  'revert-to',
  'revert',
  'checkout',
  'undo',
  'copy'
] as const;

type Way = (typeof WAYS)[number];

/** A way back, and where to: a snapshot, or a safety copy. */
interface IWayBack {
  way: Way;
  snapshot: string;
  copy: string;
}

interface ITargets {
  /** Newest first. */
  snapshots: readonly ISnapshot[];
  copies: readonly ISafetyCopy[];
}

/** The name of a way, what it changes, and what it keeps. */
function describe(way: Way): readonly [string, string, string] {
  switch (way) {
    case 'restore':
      return [
        trans.__('Restore its files'),
        trans.__('Your files and data become those of the snapshot.'),
        trans.__(
          'The branch stays where it is. Uncommitted work is kept in a safety copy.'
        )
      ];
    case 'revert-to':
      return [
        trans.__('Revert to it'),
        trans.__('A new commit gets its content, including data.'),
        trans.__(
          'All commits stay, so it is safe after a push. Uncommitted work is not overwritten.'
        )
      ];
    case 'revert':
      return [
        trans.__('Revert its changes'),
        trans.__(
          'A new commit takes back what this one snapshot changed, including data.'
        ),
        trans.__('What came before and after it stays.')
      ];
    case 'checkout':
      return [
        trans.__('Check it out'),
        trans.__(
          'HEAD, your files and data move to it, and no branch is checked out.'
        ),
        trans.__(
          'Branches stay where they are. Uncommitted work is not overwritten.'
        )
      ];
    case 'undo':
      return [
        trans.__('Undo the last commit'),
        trans.__('The branch moves back by one commit.'),
        trans.__(
          'Your files and data stay, and the changes can be committed again.'
        )
      ];
    case 'copy':
      return [
        trans.__('Restore earlier work'),
        trans.__(
          'What was discarded, overwritten or rewritten returns from its safety copy.'
        ),
        trans.__('What is there now is kept in another safety copy.')
      ];
  }
}

class GoBackForm extends DialogForm<IWayBack> {
  constructor(
    private _choice: IWayBack,
    private _targets: ITargets,
    private _name: (snapshot: string) => string
  ) {
    super();
    this.addClass('jp-mlws-GoBack');
  }

  getValue(): IWayBack {
    return this._choice;
  }

  protected render(): JSX.Element {
    const { copies } = this._targets;
    return (
      <fieldset>
        <legend>{trans.__('How')}</legend>
        {WAYS.filter(way => way !== 'copy' || copies.length > 0).map(way =>
          this._row(way)
        )}
      </fieldset>
    );
  }

  private _row(way: Way): JSX.Element {
    const [label, changes, keeps] = describe(way);
    const isChosen = way === this._choice.way;
    return (
      <div className="jp-mlws-Way" key={way} data-mlws-way={way}>
        <label>
          <input
            type="radio"
            name="way"
            checked={isChosen}
            onChange={() => this._change({ way })}
          />
          {label}
        </label>
        <Hint>
          {changes} {keeps}
        </Hint>
        {isChosen && this._target(way)}
      </div>
    );
  }

  private _target(way: Way): JSX.Element | null {
    const { snapshots, copies } = this._targets;
    const { snapshot, copy } = this._choice;
    if (way === 'undo') {
      return snapshots.length > 0 ? <Hint>{nameOf(snapshots[0])}</Hint> : null;
    }
    if (way === 'copy') {
      const chosen = copies.find(one => one.id === copy);
      return (
        <>
          <Select
            className="jp-mod-styled"
            aria-label={trans.__('Safety copy')}
            value={copy}
            options={copies.map(
              one => [one.id, `${copyLabel(one)} · ${copyFacts(one)}`] as const
            )}
            onChange={value => this._change({ copy: value })}
          />
          {chosen && <Hint>{contentOf(chosen)}</Hint>}
        </>
      );
    }
    const isListed = snapshots.some(one => one.id === snapshot);
    return (
      <Select
        className="jp-mod-styled"
        aria-label={trans.__('Snapshot')}
        value={snapshot}
        options={[
          ...(isListed ? [] : [[snapshot, this._name(snapshot)] as const]),
          ...snapshots.map(one => [one.id, nameOf(one)] as const)
        ]}
        onChange={value => this._change({ snapshot: value })}
      />
    );
  }

  private _change(part: Partial<IWayBack>): void {
    this._choice = { ...this._choice, ...part };
    this.update();
  }
}

function nameOf({ short, subject, timestamp }: ISnapshot): string {
  return `${short} ${subject} · ${relativeTime(timestamp)}`;
}

/** The files of a safety copy, or its branch. */
function contentOf({ branch, base, files }: ISafetyCopy): string {
  return branch === null
    ? trans.__('Files: %1', listText(files.slice(0, MAX_NAMES)))
    : trans.__(
        'The branch “%1” moves back to its commit %2.',
        branch,
        base?.slice(0, 8)
      );
}

/** Asks for a way back; null if canceled. `choice`: what is chosen at first. */
async function chooseWay(
  client: MLWSClient,
  choice: Partial<IWayBack>
): Promise<IWayBack | null> {
  const [snapshots, copies] = await Promise.all([
    client.cached('/snapshots', queryOf(NO_FILTER)),
    client.get('/git/safety')
  ]);
  const { items } = snapshots;
  const form = new GoBackForm(
    {
      way: 'restore',
      snapshot: (items[1] ?? items[0])?.id ?? 'HEAD',
      copy: copies.items[0]?.id ?? '',
      ...choice
    },
    { snapshots: items, copies: copies.items },
    id => subjectOf(client, id)
  );
  return ask(trans.__('Go Back'), trans.__('Go Back'), form, 'input:checked');
}

/**
 * Adds the command that goes back, and its variants for one way; returns the id of the former.
 *
 * `draft` gets the message of a commit that is undone.
 */
export function addGoBackCommands(
  app: JupyterFrontEnd,
  code: ICode,
  restorer: Restorer,
  draft: CommitDraft
): string {
  const { refs, rewrites, work } = code;
  const { client } = work;
  const goBack = (choice: Partial<IWayBack>) =>
    notifyOnError(async () => {
      const chosen = await chooseWay(client, choice);
      if (chosen === null) {
        return;
      }
      const { way, snapshot, copy } = chosen;
      const subject = subjectOf(client, snapshot);
      switch (way) {
        case 'restore':
          await restorer.restore(snapshot, subject);
          break;
        case 'revert-to':
          await refs.revertTo(snapshot, subject);
          break;
        case 'revert':
          await rewrites.revertCommit(snapshot, subject);
          break;
        case 'checkout':
          await refs.switchToCommit(snapshot, subject);
          break;
        case 'undo':
          await rewrites.undo(draft);
          break;
        case 'copy':
          await refs.restoreSafetyCopy(copy);
          break;
      }
    });
  const id = 'mlws:go-back';
  app.commands.addCommand(id, {
    describedBy: describeArgs({
      way: trans.__(
        'restore, revert-to, revert, checkout, undo or copy; restore if left out'
      ),
      snapshot: trans.__(
        'ID of the snapshot; the one that was clicked if left out'
      ),
      copy: trans.__('ID of the safety copy; the newest if left out')
    }),
    label: trans.__('Go Back…'),
    icon: undoIcon,
    execute: args => {
      const snapshot = args.snapshot ?? dataOf(app, 'mlwsSnapshot');
      return goBack({
        ...(WAYS.includes(args.way as Way) && { way: args.way as Way }),
        ...(typeof snapshot === 'string' && { snapshot }),
        ...(typeof args.copy === 'string' && { copy: args.copy })
      });
    }
  });
  addCommand(app.commands, 'mlws:undo-commit', {
    label: trans.__('Undo Last Commit…'),
    icon: undoIcon,
    execute: () => goBack({ way: 'undo' })
  });
  return id;
}
