/** Configuration that the Hub's service writes into its page. */
export interface IConfig {
  /** URL of the service: "/services/mlws/", with the Hub's prefix. */
  baseUrl: string;
  /** URL of the Hub's pages: "/hub/", or an address on the Hub's host. */
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
