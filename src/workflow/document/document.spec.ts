import { describe, expect, it } from 'vitest';

import { type IWorkflowDocument, parse } from './document';

function read(text: string, path?: string): IWorkflowDocument {
  const result = parse(text, path);
  if (result.error) {
    throw new Error(JSON.stringify(result.error));
  }
  return result.document;
}

describe('parse', () => {
  it('reads few more variants than the server allows', () => {
    const axes = [...'abcdefghi'].map(key => [key, [...Array(99).keys()]]);
    const matrix = Object.fromEntries(axes) as Record<string, number[]>;
    const stages = { a: { matrix, cmd: 'x' } };
    const { variants } = read(JSON.stringify({ stages })).stages[0];
    expect(variants).toHaveLength(10_098);
  });

  it('follows aliases, and marks such a stage as not to be edited', () => {
    const document = read('stages:\n  a: &a {cmd: x, outs: [o]}\n  b: *a\n');
    expect(document.stages[1].outs[0].raw).toBe('o');
    expect(document.stages.map(stage => stage.isEditable)).toEqual([
      true,
      false
    ]);
  });
});
