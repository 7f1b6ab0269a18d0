import { describe, expect, it } from 'vitest';
import type { INodeFailure } from '../api/models';
import { failedRow, failureSentence, faultySetting } from './failure';

function failure(...log: string[]): INodeFailure {
  return {
    code: '40101',
    message: 'The node failed with exit code 1.',
    node: 'train',
    details: { exit_code: 1, log },
    solution: ''
  } as INodeFailure;
}

describe('failureSentence', () => {
  it('is the last exception of the log', () => {
    const error = failure(
      'ImportError: no cython',
      'During handling of the above exception, another exception occurred:',
      'Traceback (most recent call last):',
      '  File "x.py", line 1, in <module>',
      'sklearn.exceptions.NotFittedError: call fit first'
    );
    expect(failureSentence(error)).toBe('NotFittedError: call fit first');
  });

  it('says of a missing key that it was not found', () => {
    const error = failure("\u001b[31mKeyError\u001b[0m: 'nosuch'");
    expect(failureSentence(error)).toBe("Column or key 'nosuch' not found");
  });

  it('says what a sentence of the library says', () => {
    const text = `KeyError: "the table has no columns ['a']; it has ['b']"`;
    expect(failureSentence(failure(text))).toBe(
      "the table has no columns ['a']; it has ['b']"
    );
  });

  it('says what a built-in component says', () => {
    const text =
      "jupyter_mlws.components.failures.ComponentError: column 'a' has 'x' in row 3";
    expect(failureSentence(failure(text))).toBe("column 'a' has 'x' in row 3");
    const refusal = 'jupyter mlws node: split: --data: input is missing';
    expect(failureSentence(failure(refusal))).toBe(
      'split: --data: input is missing'
    );
  });

  it('is the last line of a program that raises nothing', () => {
    const error = failure('> cat x', 'cat: x: No such file', '');
    expect(failureSentence(error)).toBe('cat: x: No such file');
  });

  it('is the message where the log says nothing', () => {
    expect(failureSentence(failure('> false'))).toBe(
      'The node failed with exit code 1.'
    );
    const killed = { ...failure('epoch 3'), code: '40103', message: 'Memory' };
    expect(failureSentence(killed)).toBe('Memory');
  });
});

describe('failedRow', () => {
  const rowOf = (text: string) => failedRow(failure(`ComponentError: ${text}`));

  it('is the row that the sentence names, and its input', () => {
    expect(rowOf("column 'a' has 'x' in row 3, which is no number")).toEqual({
      row: 3,
      port: null
    });
    expect(rowOf("column 'a' has 'x' in row 12 of the input 'test'")).toEqual({
      row: 12,
      port: 'test'
    });
  });

  it('is none where none is named', () => {
    expect(rowOf('the table has no rows')).toBeNull();
  });
});

describe('faultySetting', () => {
  const settings = { test_size: 0.3, stratify: 'nosuch', columns: ['a', 'b'] };

  it('is the setting whose value is quoted', () => {
    const error = failure("KeyError: 'nosuch'");
    expect(faultySetting(error, settings)).toBe('stratify');
    const other = failure('ValueError: no column "b"');
    expect(faultySetting(other, settings)).toBe('columns');
  });

  it('is the setting that is named', () => {
    const error = failure('ValueError: test_size should be below 1');
    expect(faultySetting(error, settings)).toBe('test_size');
  });

  it('is not a word of a sentence for people', () => {
    const names = { missing: 'drop', column: 'price', target: '' };
    const text = "ComponentError: column 'city' has 'x' in row 3: fill missing";
    expect(faultySetting(failure(text), names)).toBeNull();
    const other = "ComponentError: the target column 'y' has no classes";
    expect(faultySetting(failure(other), names)).toBe('target');
  });

  it('is none where none is named', () => {
    const error = failure('MemoryError');
    expect(faultySetting(error, settings)).toBeNull();
  });
});
