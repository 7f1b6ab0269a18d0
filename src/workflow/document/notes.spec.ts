import { describe, expect, it } from 'vitest';

import { type IWorkflowDocument, parse } from './document';
import type { Edit } from './edits';
import {
  addFrame,
  addNote,
  framesOf,
  itemOf,
  leaveFrames,
  notesOf,
  removeItems,
  setPart
} from './notes';
import { textAfter, WINE } from '../../__tests__/samples';

function read(text: string): IWorkflowDocument {
  return parse(text, 'workflows/wine/dvc.yaml').document!;
}

function edit(text: string, change: Edit): string {
  return textAfter(read(text), change);
}

const NOTE = { text: 'Two\nlines: "a"', at: [10, 20] as [number, number] };

describe('notes and frames', () => {
  it('stand beside the name, and go without a trace', () => {
    const noted = edit(WINE, addNote(NOTE));
    expect(noted).toBe(
      WINE.replace(
        '{name: Wine}',
        '{name: Wine, notes: [{text: "Two\\nlines: \\"a\\"", at: [10, 20]}]}'
      )
    );
    expect(notesOf(read(noted))).toEqual([NOTE]);
    const two = edit(noted, addNote({ ...NOTE, text: 'b' }));
    expect(notesOf(read(two)).map(note => note.text)).toEqual([NOTE.text, 'b']);
    expect(edit(two, removeItems('notes', new Set([1])))).toBe(noted);
    expect(edit(noted, removeItems('notes', new Set([0])))).toBe(WINE);
  });

  it('change in their place', () => {
    const noted = edit(WINE, addNote(NOTE));
    const moved = edit(noted, setPart('notes', 0, 'at', [1, 2]));
    expect(moved).toBe(noted.replace('[10, 20]', '[1, 2]'));
    const written = edit(noted, setPart('notes', 0, 'text', 'x'));
    expect(notesOf(read(written))[0].text).toBe('x');
  });

  it('begin in a file without a name', () => {
    const text = 'stages:\n  a:\n    cmd: echo\n';
    const noted = edit(text, addNote(NOTE));
    expect(notesOf(read(noted))).toEqual([NOTE]);
    expect(noted.endsWith(text)).toBe(true);
  });

  it('hold a node in one frame alone', () => {
    const one = edit(WINE, addFrame({ title: 'A', nodes: ['load', 'forest'] }));
    const two = edit(one, addFrame({ title: 'B', nodes: ['forest'] }));
    expect(framesOf(read(two))).toEqual([
      { title: 'A', nodes: ['load'] },
      { title: 'B', nodes: ['forest'] }
    ]);
    const left = edit(two, leaveFrames(new Set(['load'])));
    expect(framesOf(read(left))).toEqual([{ title: 'B', nodes: ['forest'] }]);
  });

  it('are read as people may write them', () => {
    const text =
      'vars:\n- workflow:\n    notes:\n    - text: |\n        a\n        b\n    - nonsense\nstages: {}\n';
    expect(notesOf(read(text)).map(note => note.text)).toEqual(['a\nb\n', '']);
  });

  it('have ids that no stage can have', () => {
    expect(itemOf('notes:12')).toEqual({ list: 'notes', index: 12 });
    expect(itemOf('notes')).toBeNull();
  });
});
