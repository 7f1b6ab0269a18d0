/** The types of requests by path, and of responses that the API's document does not describe in full. */
import type * as schema from './schema';
import type { paths } from './schema';

export * from './schema';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** A path with any values for its parameters. */
type Filled<P> = P extends `${infer Start}{${string}}${infer End}`
  ? `${Start}${string}${Filled<End>}`
  : P;

/** The paths that have a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, unknown> ? Filled<P> : never;
}[keyof paths];

type Segment<S> = string extends S ? '*' : S extends `{${string}}` ? '*' : S;

/** A path with an asterisk for each parameter, declared or filled. */
type Pattern<P> = P extends `${infer First}/${infer Rest}`
  ? `${Segment<First>}/${Pattern<Rest>}`
  : Segment<P>;

type Endpoints = { [P in keyof paths as Pattern<P>]: paths[P] };

type Match<P> = { [K in keyof paths]: P extends Filled<K> ? paths[K] : never };

type Endpoint<M extends Method, P> =
  (
    Pattern<P> extends keyof Endpoints
      ? Endpoints[Pattern<P>]
      : Match<P>[keyof paths]
  ) extends Record<M, infer E>
    ? E
    : never;

/** The data of a response, or the messages of a stream. */
export type Data<M extends Method, P> =
  Endpoint<M, P> extends { responses: infer R }
    ? R[keyof R] extends { content: infer C }
      ? C[keyof C]
      : never
    : never;

export type Body<M extends Method, P> =
  Endpoint<M, P> extends { requestBody: { content: infer C } }
    ? ReadonlyDeep<C[keyof C]>
    : Record<string, never>;

type ReadonlyDeep<T> = unknown extends T
  ? T
  : { readonly [K in keyof T]: ReadonlyDeep<T[K]> };

/** The result of an operation that a request starts. */
export type Result<P> =
  Data<'post', P> extends { result: infer R } ? NonNullable<R> : never;

/** The query of a request; undefined and null values are left out, lists are repeated. */
export type QueryOf<M extends Method, P> =
  Endpoint<M, P> extends { parameters: { query?: infer Q } }
    ? { [K in keyof Q]?: Readonly<Q[K]> | null }
    : Record<string, never>;

/** Page of a list. */
export interface IPage<T> {
  items: T[];
  next_cursor: string | null;
}

export type IOperation<T = unknown> = Omit<schema.IOperation, 'result'> & {
  result: T | null;
};

type Port<T extends { kinds: string[] }> = Omit<T, 'kinds'> & {
  /** Any kind of model if left out. */
  kinds?: string[];
};

export type IComponent = Omit<schema.IComponent, 'inputs' | 'outputs'> & {
  inputs: Port<schema.IInputPort>[];
  outputs: Port<schema.IOutputPort>[];
  /** Untranslated category, as `category` is translated. */
  group?: string;
};

export interface ITablePreview {
  type: 'Table';
  columns: { name: string; dtype: string }[];
  rows: unknown[][];
  row_count: number | null;
}

/** The fields that the types of previews have. */
export type IPreview =
  | ITablePreview
  | { type: 'Metrics'; metrics: Record<string, unknown> }
  | { type: 'VegaLite'; mime: string; spec: unknown }
  | { type: 'Figure'; mime: string; data: string }
  | { type: 'Text'; text: string; truncated: boolean }
  | {
      type: 'Model';
      text: string;
      preparation: schema.IColumnPreparation[] | null;
    }
  | { type: 'Notebook'; notebook: unknown };

export type IWorkflowEvent = Data<'get', '/workflows/status'>;
export type IWorkspaceEvent = Data<'get', '/workspace/status'>;
export type NotebookEvent = Data<'get', '/notebooks/{notebook}/output'>;
export type Side = Exclude<schema.SideChoice, 'both'>;
