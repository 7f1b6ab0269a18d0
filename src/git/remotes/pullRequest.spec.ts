import { expect, test } from 'vitest';

import { pullRequestPage, repositoryOf } from './pullRequest';

test.each([
  ['https://github.com/a/b.git', 'https://github.com/a/b', 'GitHub'],
  ['git@github.com:a/b.git', 'https://github.com/a/b', 'GitHub'],
  [
    'https://u:p@gitlab.example/g/s/b',
    'https://gitlab.example/g/s/b',
    'GitLab'
  ],
  ['ssh://git@codeberg.org:22/a/b.git/', 'https://codeberg.org/a/b', 'Gitea'],
  ['http://git.example:3000/a/b.git', 'http://git.example:3000/a/b', null]
])('the page of %s', (remote, address, host) => {
  expect(repositoryOf(remote)).toEqual({ address, host });
});

test.each(['/srv/git/a.git', '../a', 'file:///srv/a.git', 'C:\\git\\a', ''])(
  '%s has no page',
  remote => {
    expect(repositoryOf(remote)).toBeNull();
  }
);

test('a branch is one part of the address', () => {
  const page = (host: 'GitHub' | 'GitLab' | 'Gitea') =>
    pullRequestPage('https://x/a', host, 'topic/一&b');
  expect(page('GitHub')).toBe(
    'https://x/a/compare/topic%2F%E4%B8%80%26b?expand=1'
  );
  expect(page('GitLab')).toContain('=topic%2F%E4%B8%80%26b');
  expect(page('Gitea')).toBe('https://x/a/compare/topic%2F%E4%B8%80%26b');
});
