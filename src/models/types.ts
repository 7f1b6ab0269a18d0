/** The JSON of models and their versions, field for field. */

import type { IModel, IModelVersion } from '../api/models';

export type { IModel, IModelVersion } from '../api/models';

export interface IModelDetail extends IModel {
  versions: IModelVersion[];
  next_cursor: string | null;
}

/** What an alias meant from a time on; `version` is null where it was removed. */
export interface IAliasChange {
  alias: string;
  version: number | null;
  before: number | null;
  by: string;
  /** Null for a change that another program made. */
  timestamp: string | null;
}

/** A value in every compared version, in their order. */
export interface IComparedValue {
  name: string;
  values: (string | number | null)[];
  differs: boolean;
}

export interface IModelComparison {
  versions: IModelVersion[];
  params: IComparedValue[];
  metrics: IComparedValue[];
}

export interface IBestModels {
  metric: string;
  mode: 'max' | 'min';
  items: { value: number; version: IModelVersion }[];
}

/** A new version of a model, of a run. */
export interface IModelCreate {
  name: string;
  run_id: string;
  artifacts?: string[];
}
