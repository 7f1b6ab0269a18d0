/** What the Hub's service writes into its page. */
export interface IConfig {
  /** Where the service is: "/services/mlws/", after the Hub's own prefix. */
  baseUrl: string;
  /** Where the Hub's own pages are: "/hub/", or an address on the Hub's own host. */
  hubUrl: string;
  user: string;
  admin: boolean;
  /** "en" or "zh-CN". */
  language: string;
  xsrf: string;
}

export function readConfig(root: HTMLElement): IConfig {
  return JSON.parse(root.dataset.config ?? '{}');
}
