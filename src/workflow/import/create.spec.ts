import { describe, expect, it } from 'vitest';

import { newWorkflowText, slugOf } from './create';
import { parse } from '../document/document';

describe('a new workflow', () => {
  it('gets a folder whose name can be read', () => {
    expect(slugOf('  Wine & Cheese: v2 ')).toBe('wine-cheese-v2');
    expect(slugOf('训练 流程')).toBe('训练-流程');
    expect(slugOf('../..')).toBe('workflow');
  });

  it('keeps its name, whatever it is', () => {
    for (const name of ['Wine', 'yes', 'a: b # c', "it's", '训练']) {
      expect(parse(newWorkflowText(name)).document?.title).toBe(name);
    }
  });
});
