import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';

import { ProofBadges } from './snapshotParts';

it('says in a tooltip what the mark of a badge means', () => {
  const html = renderToStaticMarkup(
    <ProofBadges
      proof={{
        code: true,
        data_local: false,
        data_remote: null,
        runs: null,
        checked: '2026-11-25T12:00:00Z'
      }}
    />
  );
  const titles = [...html.matchAll(/title="([^"]+)"/g)].map(match => match[1]);
  expect(titles).toEqual([
    'All code is stored in git',
    'Some data is missing from the local cache',
    'Not checked'
  ]);
});
