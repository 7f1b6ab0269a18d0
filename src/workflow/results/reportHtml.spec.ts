import { expect, it } from 'vitest';

import { reportHtml } from './reportHtml';

const BAD = '<script>alert("1")</script>';

it('has no script of what a run wrote', () => {
  const html = reportHtml(BAD, [
    { kind: 'heading', text: BAD },
    { kind: 'text', text: BAD },
    { kind: 'code', text: BAD },
    { kind: 'list', items: [BAD] },
    { kind: 'table', columns: [BAD], rows: [[BAD]] },
    { kind: 'image', name: BAD, source: `data:image/png;base64,"${BAD}` },
    { kind: 'image', name: 'x', source: 'https://host/x.png' },
    { kind: 'image', name: 'x', source: 'data:text/html,x' }
  ]);
  const page = new DOMParser().parseFromString(html, 'text/html');
  expect(page.querySelectorAll('script')).toHaveLength(0);
  expect(page.querySelectorAll('img')).toHaveLength(1);
  expect(page.querySelector('td')?.textContent).toBe(BAD);
  expect(
    page.querySelector('meta[http-equiv]')?.getAttribute('content')
  ).toContain("default-src 'none'");
});

it('prints the best value in bold', () => {
  const html = reportHtml('Wine', [
    {
      kind: 'table',
      columns: ['Model', 'accuracy'],
      rows: [
        ['forest', '0.9'],
        ['linear', '0.8']
      ],
      bold: new Set(['0 1'])
    }
  ]);
  const page = new DOMParser().parseFromString(html, 'text/html');
  expect(page.querySelector('strong')?.textContent).toBe('0.9');
});
