import { nullTranslator } from '@jupyterlab/translation';
import { beforeEach, expect, it } from 'vitest';

import { cellText, duration, fileSize, listText, relativeTime } from './format';
import { setLocale } from './locale';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const english = nullTranslator.load('jupyter_mlws');

beforeEach(() => setLocale('en', english));

it('tells how long ago something was', () => {
  const ago = (time: string) => relativeTime(time, NOW);
  expect(ago('2026-11-25T11:59:50Z')).toBe('10 sec. ago');
  expect(ago('2026-11-25T09:00:00Z')).toBe('3 hr. ago');
  expect(ago('2026-11-24T09:00:00Z')).toBe('yesterday');
  expect(ago('2024-11-24T09:00:00Z')).toBe('2 yr. ago');
  setLocale('zh-CN', english);
  expect(ago('2026-11-25T11:30:00Z')).toBe('30分钟前');
});

it('leaves a time that is none as it is', () => {
  expect(relativeTime('soon', NOW)).toBe('soon');
});

it('writes sizes and durations with their units', () => {
  expect(fileSize(999)).toBe('999 B');
  expect(fileSize(12_345_678)).toBe('12.3 MB');
  expect(duration(1.44)).toBe('1.4 s');
  expect(duration(125)).toBe('2:05 min');
  expect(duration(3725)).toBe('1:02:05 h');
});

it('shortens numbers and shows what is missing', () => {
  expect(cellText(0.123456789)).toBe('0.12346');
  expect(cellText(100000)).toBe('100000');
  expect(cellText(null)).toBe('–');
  expect(cellText([1, 2])).toBe('[1,2]');
});

it('separates the items of a list as the language does', () => {
  expect(listText(['a.csv', 'b.csv'])).toBe('a.csv, b.csv');
  setLocale('zh-CN', { ...english, _p: () => '、' });
  expect(listText(['a.csv', 'b.csv'])).toBe('a.csv、b.csv');
});
