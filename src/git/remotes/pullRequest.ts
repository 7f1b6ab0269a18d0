/** Services that host repositories, by how the address of a new pull request is made. */
export const HOSTS = ['GitHub', 'GitLab', 'Gitea'] as const;

export type Host = (typeof HOSTS)[number];

/** Words in the name of a server by which it is known. */
const WORDS: readonly [string, Host][] = [
  ['github', 'GitHub'],
  ['gitlab', 'GitLab'],
  ['gitea', 'Gitea'],
  ['forgejo', 'Gitea'],
  ['codeberg', 'Gitea']
];

/** A repository on a server: `https://git.example/group/project`, without `.git`. */
export interface IRepository {
  address: string;
  /** Null if the name of the server does not tell. */
  host: Host | null;
}

/** Reads the address of a git remote; null if it is no server that has pages. */
export function repositoryOf(remote: string): IRepository | null {
  const match =
    /^(?:https?:\/\/|ssh:\/\/|git:\/\/)(?:[^@/]*@)?([^/:]+)(:\d+)?\/(.+)$/.exec(
      remote
    ) ?? /^(?:[^@/\s]+@)([^/:\s]+)()?:(?!\/\/)(.+)$/.exec(remote);
  if (!match) {
    return null;
  }
  const [, server, port = '', path] = match;
  // The port of ssh is not that of the pages.
  const isWeb = /^https?:/.test(remote);
  const scheme = remote.startsWith('http:') ? 'http' : 'https';
  const folder = path.replace(/\/+$/, '').replace(/\.git$/, '');
  const name = server.toLowerCase();
  return {
    address: `${scheme}://${server}${isWeb ? port : ''}/${folder}`,
    host: WORDS.find(([word]) => name.includes(word))?.[1] ?? null
  };
}

/** The page on which a pull request for a branch is opened. */
export function pullRequestPage(
  address: string,
  host: Host,
  branch: string
): string {
  const name = encodeURIComponent(branch);
  switch (host) {
    case 'GitHub':
      return `${address}/compare/${name}?expand=1`;
    case 'GitLab':
      return `${address}/-/merge_requests/new?merge_request%5Bsource_branch%5D=${name}`;
    case 'Gitea':
      return `${address}/compare/${name}`;
  }
}
