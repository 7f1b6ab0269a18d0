import type { IWorkflowDocument } from '../workflow/document/document';
import { changeBody, type Edit } from '../workflow/document/edits';
import { reconcile } from '../workflow/document/reconcile';
import { applyEdits } from '../workflow/document/textEdits';
import { removeIn, setIn, type Value } from '../workflow/document/values';

/** Texts of `dvc.yaml` for the specs, in common styles. */
export const WINE = `# The wine workflow
vars:
  - workflow: {name: Wine}   # title
  - forest: {n_estimators: 100, optim: {lr: 0.1}}
stages:
  # first the data
  load:
    wdir: ../..
    cmd: jupyter mlws node load_csv --file data/wine.csv --table workflows/wine/out/load.table.parquet
    deps:
    - data/wine.csv
    outs:
    - workflows/wine/out/load.table.parquet
  forest:
    wdir: ../..
    cmd: jupyter mlws node train_classifier --data workflows/wine/out/load.table.parquet --model workflows/wine/out/forest.model.skops \${forest}
    deps:
    - workflows/wine/out/load.table.parquet   # from load
    outs:
    - workflows/wine/out/forest.model.skops
    meta: {at: [240, 120]}

  # then the verdict
  judge:
    wdir: ../..
    cmd: >-
      jupyter mlws node evaluate
      --model workflows/wine/out/forest.model.skops
      --data workflows/wine/out/load.table.parquet
      --metrics workflows/wine/out/judge.metrics.json
    deps:
      - workflows/wine/out/forest.model.skops
      - workflows/wine/out/load.table.parquet
    metrics:
      - workflows/wine/out/judge.metrics.json:
          cache: false
# the end
`;

export const FLOW = `{"vars": [{"a": {"x": 1}}], "stages": {"a": {"cmd": "jupyter mlws node load_csv --table out/a.parquet \${a}", "outs": ["out/a.parquet"]}, "b": {"cmd": "jupyter mlws node clean --data out/a.parquet --table out/b.parquet", "deps": ["out/a.parquet"], "outs": ["out/b.parquet"]}}}
`;

export const HAND_WRITTEN = `stages:
    prepare:
        cmd: python prepare.py \\
          --seed \${seed}
        deps: [prepare.py, "data/raw"]
        params:
            - seed
        outs: [data/clean]
    train:
        foreach: [svm, forest]
        do:
            cmd: python train.py \${item}
            deps:
                - data/clean/part.csv
                - train.py
            outs:
                - models/\${item}.pkl
            plots:
                - plots/\${item}.csv: {x: epoch}
    compare:
        matrix:
            metric: [f1, auc]
            fold: [1, 2]
        cmd:
            - python compare.py \${item.metric}
            - echo done
        deps: [models]
vars:
    - seed: 4
    - params.yaml
`;

/** The text that an edit leaves. */
export function textAfter(document: IWorkflowDocument, edit: Edit): string {
  const { source, data } = document;
  return applyEdits(source.text, reconcile(source, data, edit(document)));
}

/** Sets a stage's request to the engine (`retries`, `memory`…); undefined removes it. */
export function setMeta(id: string, key: string, value?: Value): Edit {
  return changeBody(id, body =>
    value === undefined
      ? removeIn(body, ['meta', key])
      : setIn(body, ['meta', key], value)
  );
}
