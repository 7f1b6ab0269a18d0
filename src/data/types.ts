/** The JSON of datasets and their stores, field for field. */

import type { IDataset } from '../api/models';

export type { DatasetState, IDataset } from '../api/models';

/** What a dataset was from a commit on. */
export interface IDatasetVersion {
  commit: string;
  short: string;
  timestamp: string;
  author: string;
  subject: string;
  md5: string;
  size: number | null;
  files: number | null;
  current: boolean;
}

export interface IDatasetUse {
  workflow: string;
  node: string;
}

export interface IDatasetDetail extends IDataset {
  local: boolean | null;
  versions: IDatasetVersion[];
  next_cursor: string | null;
  producers: IDatasetUse[];
  consumers: IDatasetUse[];
}

/** Where the recorded content is; `remote` is null where nobody can say. */
export interface IDatasetPlace {
  id: string;
  path: string;
  md5: string;
  cached: boolean;
  remote: boolean | null;
}

export interface IDatasetPlaces {
  remote: string | null;
  /** Why the remote could not be asked. */
  unreachable: string | null;
  items: IDatasetPlace[];
}

/** Bytes, but for `objects`. */
export interface IStorageUse {
  objects: number;
  size: number;
  current: number;
  unfinished: number;
  damaged: number;
  free: number;
  remote: string | null;
}

/** Of what of the cache nothing names. */
export interface ICollected {
  freed: boolean;
  objects: number;
  bytes: number;
  kept_objects: number;
  kept_bytes: number;
  versions: number;
}

export interface IFaultyObject {
  md5: string;
  state: string;
  files: string[];
}

export interface IDatasetVerified {
  path: string;
  md5: string;
  objects: number;
  size: number | null;
  whole: boolean;
  stores: {
    name: string;
    /** Each object was read and hashed anew. */
    read: boolean;
    whole: boolean;
    faulty: IFaultyObject[];
  }[];
}

export interface IDatasetSide {
  commit: string | null;
  md5: string | null;
  size: number | null;
  files: number | null;
}

export interface IDatasetDiff {
  path: string;
  from: IDatasetSide;
  to: IDatasetSide;
  added: number;
  deleted: number;
  modified: number;
  unchanged: number;
  items: {
    path: string;
    state: 'added' | 'deleted' | 'modified';
    from_size: number | null;
    to_size: number | null;
  }[];
  next_cursor: string | null;
}

/** Where data goes; `credentials` names those that are set. */
export interface IDataRemote {
  name: string;
  url: string;
  kind: string;
  default: boolean;
  options: Record<string, string>;
  credentials: string[];
}

/** A remote as it is to be; credentials that are left out stay as they are. */
export interface IDataRemotePut {
  url: string;
  default?: boolean;
  [option: string]: string | number | boolean | undefined;
}
