import { describe, expect, it } from 'vitest';

import { parseCommand, quoteWord, splitWords } from './command';

describe('splitWords', () => {
  it('splits as a shell does', () => {
    const words = splitWords(`a 'b c' "d \\" e"f \${x y} \\\n g\\ h`);
    expect(words?.map(word => word.text)).toEqual([
      'a',
      'b c',
      'd " ef',
      '${x y}',
      'g h'
    ]);
  });

  it('refuses more than words', () => {
    for (const text of ['a | b', 'a && b', 'a > b', "a 'b", 'echo `x`']) {
      expect(splitWords(text)).toBeNull();
    }
  });

  it('reads back what quoteWord writes', () => {
    for (const text of [
      'plain/path.csv',
      'two words',
      "it's",
      '数据/一.csv',
      '#x',
      ''
    ]) {
      expect(splitWords(quoteWord(text))?.map(word => word.text)).toEqual([
        text
      ]);
    }
  });
});

describe('parseCommand', () => {
  it('tells ports, settings and unpacked variables apart', () => {
    const command = parseCommand(
      'jupyter mlws node merge --tables a.parquet --tables=b.parquet --lr ${t.lr} --loud ${train}',
      name => name === 'train'
    );
    expect(command?.component).toBe('merge');
    expect(
      command?.args.map(arg => [arg.name, arg.values.map(value => value.text)])
    ).toEqual([
      ['tables', ['a.parquet']],
      ['tables', ['b.parquet']],
      ['lr', ['${t.lr}']],
      ['loud', []]
    ]);
    expect(command?.unpacks.map(one => one.name)).toEqual(['train']);
  });

  it('leaves other commands alone', () => {
    expect(parseCommand('python train.py')).toBeNull();
    expect(parseCommand('jupyter mlws run a/dvc.yaml')).toBeNull();
    expect(parseCommand('jupyter mlws node a && rm -r b')).toBeNull();
  });
});
