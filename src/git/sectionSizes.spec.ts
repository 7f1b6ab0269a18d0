import { expect, it } from 'vitest';

import { sectionSizes, MIN_HEIGHT } from './sectionSizes';

const changes = { share: 5, room: 320, chosen: undefined };
const history = { share: 5, room: 0, chosen: undefined };
const data = { share: 10, room: 0, chosen: undefined };

it('gives changes their room in a small window, and half of a large one', () => {
  expect(sectionSizes([changes, history], 396)).toEqual([320, 76]);
  expect(sectionSizes([changes, history], 800)).toEqual([400, 400]);
  expect(sectionSizes([changes, history], 330)).toEqual([320, MIN_HEIGHT]);
});

it('shares what is left by the shares', () => {
  // Half of a small window is for what a person opens beside the first two.
  expect(sectionSizes([changes, history, data], 480)).toEqual([240, 80, 160]);
  expect(sectionSizes([changes, history, data], 770)).toEqual([320, 150, 300]);
  expect(sectionSizes([], 470)).toEqual([]);
  expect(sectionSizes([changes, history, data], 0)).toEqual([5, 5, 10]);
});

it('keeps the sizes that a person chose', () => {
  const chosen = { ...changes, chosen: 100 };
  expect(sectionSizes([chosen, history, data], 400)).toEqual([100, 100, 200]);
});
