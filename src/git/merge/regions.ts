import { invertedEffects } from '@codemirror/commands';
import {
  EditorState,
  type Extension,
  type Range,
  StateEffect,
  StateField,
  type Transaction
} from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView } from '@codemirror/view';

import type { SideChoice } from '../../api/models';
import { type Choice, type IRegion, isConflict, textBy } from './result';
import type { Sides } from './threeWay';

/** New state and range of a region. */
interface IStand {
  id: number;
  choice: Choice;
  from: number;
  to: number;
}

const setStand = StateEffect.define<IStand>({
  map: (stand, changes) => ({
    ...stand,
    from: changes.mapPos(stand.from, -1),
    to: changes.mapPos(stand.to, 1)
  })
});

/** Regions of the result that differ between versions, tracked through all edits. */
export const regions = StateField.define<readonly IRegion[]>({
  create: () => [],
  update: (known, transaction) => {
    const stands = new Map<number, IStand>();
    for (const effect of transaction.effects) {
      if (effect.is(setStand)) {
        stands.set(effect.value.id, effect.value);
      }
    }
    if (!transaction.docChanged && stands.size === 0) {
      return known;
    }
    return known.map(region => moved(region, transaction, stands));
  }
});

function moved(
  region: IRegion,
  { changes }: Transaction,
  stands: ReadonlyMap<number, IStand>
): IRegion {
  const stand = stands.get(region.id);
  if (stand) {
    const { choice, from, to } = stand;
    return { ...region, choice, from, to };
  }
  const { from, to } = region;
  // Text inserted before the line after a region does not belong to it, except for an empty region
  // or the last of the text.
  const open = from === to || to === changes.length;
  let edited = false;
  changes.iterChanges((start, end) => {
    const inserts = start === end;
    edited ||= inserts
      ? start >= from && (start < to || (open && start === to))
      : start < to && end > from;
  });
  return {
    ...region,
    from: changes.mapPos(from, edited ? -1 : 1),
    to: changes.mapPos(to, edited && open ? 1 : from === to ? 1 : -1),
    choice: edited ? 'edited' : region.choice
  };
}

/** Undo brings back how a region stood, not its text alone. */
const undoable = invertedEffects.of(transaction => {
  const before = transaction.startState.field(regions);
  const after = transaction.state.field(regions);
  return before
    .filter((region, at) => region.choice !== after[at].choice)
    .map(({ id, choice, from, to }) => setStand.of({ id, choice, from, to }));
});

function decorate(
  state: EditorState,
  bar: (region: IRegion) => Decoration
): DecorationSet {
  const decorations: Range<Decoration>[] = [];
  for (const region of state.field(regions)) {
    const kind = isConflict(region)
      ? region.choice === null
        ? 'open'
        : 'settled'
      : 'changed';
    if (isConflict(region)) {
      decorations.push(bar(region).range(region.from));
    }
    const line = Decoration.line({
      class: `jp-mlws-Merge-line jp-mod-${kind}`
    });
    for (let at = region.from; at < region.to;) {
      const { from, to } = state.doc.lineAt(at);
      decorations.push(line.range(from));
      at = to + 1;
    }
  }
  return Decoration.set(decorations, true);
}

/** `drawn` creates the decoration of a conflict's bar. */
export function regionsOf(
  first: readonly IRegion[],
  drawn: (region: IRegion) => Decoration
): Extension {
  const marks = StateField.define<DecorationSet>({
    create: state => decorate(state, drawn),
    update: (known, transaction) =>
      transaction.state.field(regions) === transaction.startState.field(regions)
        ? known
        : decorate(transaction.state, drawn),
    provide: field => EditorView.decorations.from(field)
  });
  return [regions.init(() => first), marks, undoable];
}

/** Replaces a region by the text of a choice. */
export function take(
  view: EditorView,
  sides: Sides,
  ids: readonly number[],
  choice: SideChoice
): void {
  const chosen = view.state
    .field(regions)
    .filter(region => ids.includes(region.id));
  const changes = chosen.map(({ from, to, piece }) => ({
    from,
    to,
    insert: textBy(sides, piece, choice)
  }));
  let shift = 0;
  const effects = chosen.map(({ id, from, to }, at) => {
    const start = from + shift;
    const { length } = changes[at].insert;
    shift += length - (to - from);
    return setStand.of({ id, choice, from: start, to: start + length });
  });
  view.dispatch({ changes, effects, userEvent: 'input.merge' });
}
