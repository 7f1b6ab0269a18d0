import { history, redo, undo } from '@codemirror/commands';
import { Decoration, EditorView, WidgetType } from '@codemirror/view';
import { afterEach, expect, it } from 'vitest';

import { regions, regionsOf, take } from './regions';
import { beginning, isConflict } from './result';
import { compareThree, sidesOf } from './threeWay';

const sides = sidesOf({
  base: 'one\nx\nmiddle\ny\nlast\n',
  ours: 'one\nours x\nmiddle\nours y\nlast\n',
  theirs: 'one\ntheirs x\nmiddle\ntheirs y\nlast\n'
});
let view: EditorView;

/** The bars are the editor's; here only the places count. */
class Bar extends WidgetType {
  toDOM(): HTMLElement {
    return document.createElement('hr');
  }
}

function open(): EditorView {
  const { text, regions: first } = beginning(sides, compareThree(sides, true));
  view = new EditorView({
    doc: text,
    extensions: [
      history(),
      regionsOf(first, () => Decoration.widget({ widget: new Bar() }))
    ]
  });
  return view;
}

const stand = () =>
  view.state
    .field(regions)
    .filter(isConflict)
    .map(({ from, to, choice }) => [
      choice,
      view.state.doc.sliceString(from, to)
    ]);

afterEach(() => view.destroy());

it('puts a side in its place, and undoes the choice with the text', () => {
  open();
  take(view, sides, [0], 'theirs');
  take(view, sides, [1], 'both');
  expect(stand()).toEqual([
    ['theirs', 'theirs x\n'],
    ['both', 'ours y\ntheirs y\n']
  ]);
  undo(view);
  expect(stand()[1]).toEqual([null, 'y\n']);
  redo(view);
  expect(stand()[1]).toEqual(['both', 'ours y\ntheirs y\n']);
});

it('settles several at once, each in its own place', () => {
  open();
  take(view, sides, [0, 1], 'ours');
  expect(stand()).toEqual([
    ['ours', 'ours x\n'],
    ['ours', 'ours y\n']
  ]);
  expect(view.state.doc.toString()).toBe(sides.ours.join(''));
});

it('takes what is typed in a conflict for its end, and only that', () => {
  open();
  const [first] = view.state.field(regions);
  view.dispatch({ changes: { from: 0, insert: '# top\n' } });
  expect(stand().map(([choice]) => choice)).toEqual([null, null]);
  const from = first.from + '# top\n'.length;
  view.dispatch({ changes: { from, to: from + 1, insert: 'by hand' } });
  expect(stand()).toEqual([
    ['edited', 'by hand\n'],
    [null, 'y\n']
  ]);
  undo(view);
  expect(stand()[0]).toEqual([null, 'x\n']);
});

it('leaves what is typed behind a conflict out of it', () => {
  open();
  const [first] = view.state.field(regions);
  view.dispatch({ changes: { from: first.to, insert: 'behind ' } });
  expect(stand()[0]).toEqual([null, 'x\n']);
});
