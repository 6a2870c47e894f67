/** What ComfyUI says about a graph before it queues it. Source: Comfy-Org/ComfyUI, execution.py, validate_prompt (0.3.64). */
import type { InputSpec, NodeClass } from './comfyui-nodes.ts'

export interface GraphNode {
  class_type: string
  inputs: Record<string, unknown>
}
export type Graph = Record<string, GraphNode>

interface NodeProblem {
  type: string
  message: string
  details: string
  extra_info: Record<string, unknown>
}
export interface NodeErrors {
  [id: string]: { errors: NodeProblem[]; dependent_outputs: string[]; class_type: string }
}
export interface PromptError {
  type: string
  message: string
  details: string
  extra_info: Record<string, unknown>
}
export interface Verdict {
  error: PromptError | null
  /** The output nodes that will run; fewer than asked for when the graph is partly wrong. */
  outputs: string[]
  nodeErrors: NodeErrors
}

const promptError = (type: string, message: string, details = '', extra_info = {}): PromptError => ({
  type,
  message,
  details,
  extra_info,
})
const isLink = (value: unknown): value is [string, number] => Array.isArray(value)

/** Judges a graph as a whole. A partly wrong one is accepted: `error` null, `nodeErrors` not empty. */
export function validate(graph: unknown, classes: Record<string, NodeClass>): Verdict {
  const refuse = (error: PromptError, nodeErrors: NodeErrors = {}): Verdict => ({
    error,
    outputs: [],
    nodeErrors,
  })
  const nodes = (typeof graph === 'object' && graph !== null ? graph : {}) as Graph
  for (const [id, node] of Object.entries(nodes)) {
    if (typeof node?.class_type !== 'string') {
      return refuse(
        promptError(
          'invalid_prompt',
          'Cannot execute because a node is missing the class_type property.',
          `Node ID '#${id}'`,
        ),
      )
    }
    if (!classes[node.class_type]) {
      const message = `Cannot execute because node ${node.class_type} does not exist.`
      return refuse(promptError('invalid_prompt', message, `Node ID '#${id}'`))
    }
  }
  const wanted = Object.entries(nodes).filter(([, node]) => classes[node.class_type]?.isOutput)
  if (wanted.length === 0) return refuse(promptError('prompt_no_outputs', 'Prompt has no outputs'))

  const problems = new Map<string, NodeProblem[]>()
  const nodeErrors: NodeErrors = {}
  const outputs: string[] = []
  for (const [outputId] of wanted) {
    const bad = [...reachable(outputId, nodes)].filter(id => {
      const known = problems.get(id) ?? judgeNode(id, nodes, classes)
      problems.set(id, known)
      return known.length > 0
    })
    if (bad.length === 0) outputs.push(outputId)
    for (const id of bad) {
      const entry = nodeErrors[id] ?? {
        errors: problems.get(id) ?? [],
        dependent_outputs: [],
        class_type: nodes[id]?.class_type ?? '',
      }
      entry.dependent_outputs.push(outputId)
      nodeErrors[id] = entry
    }
  }
  if (outputs.length > 0) return { error: null, outputs, nodeErrors }
  const details = Object.values(nodeErrors)
    .flatMap(({ errors }) => errors.map(({ message, details }) => `${message}: ${details}`))
    .join('\n')
  return refuse(
    promptError('prompt_outputs_failed_validation', 'Prompt outputs failed validation', details),
    nodeErrors,
  )
}

/** The node and everything it is fed by, each once. */
function reachable(id: string, graph: Graph, seen = new Set<string>()): Set<string> {
  if (seen.has(id) || !graph[id]) return seen
  seen.add(id)
  for (const value of Object.values(graph[id].inputs ?? {}))
    if (isLink(value)) reachable(String(value[0]), graph, seen)
  return seen
}

function judgeNode(id: string, graph: Graph, classes: Record<string, NodeClass>): NodeProblem[] {
  const node = graph[id]
  const known = classes[node?.class_type ?? '']
  if (!node || !known) return []
  return Object.entries(known.input.required).flatMap(([name, spec]) => {
    const value = node.inputs?.[name]
    const problem = isLink(value)
      ? judgeLink(name, value, spec, graph, classes)
      : judgeLiteral(name, value, spec)
    return problem ? [problem] : []
  })
}

function judgeLink(
  name: string,
  link: [string, number],
  spec: InputSpec,
  graph: Graph,
  classes: Record<string, NodeClass>,
): NodeProblem | null {
  const [from, slot] = link
  const about = { input_name: name, input_config: spec, received_value: link }
  if (link.length !== 2) {
    return {
      type: 'bad_linked_input',
      message: 'Bad linked input, must be a length-2 list of [node_id, slot_index]',
      details: name,
      extra_info: about,
    }
  }
  const source = graph[String(from)]
  if (!source) {
    const extra_info = { ...about, exception_message: `'${from}'`, exception_type: 'KeyError', traceback: [] }
    return {
      type: 'exception_during_inner_validation',
      message: 'Exception when validating inner node',
      details: `'${from}'`,
      extra_info,
    }
  }
  const received = classes[source.class_type]?.output[slot]
  if (received === spec[0]) return null
  const details = `${name}, received_type(${received}) mismatch input_type(${spec[0]})`
  return {
    type: 'return_type_mismatch',
    message: 'Return type mismatch between linked nodes',
    details,
    extra_info: { ...about, received_type: received, linked_node: link },
  }
}

function judgeLiteral(name: string, value: unknown, spec: InputSpec): NodeProblem | null {
  const [type, options = {}] = spec
  const about = { input_name: name, input_config: spec, received_value: value }
  const problem = (
    kind: string,
    message: string,
    details: string,
    extra_info: Record<string, unknown> = about,
  ): NodeProblem => ({ type: kind, message, details, extra_info })
  if (value === undefined || value === null) {
    return problem('required_input_missing', 'Required input is missing', name, { input_name: name })
  }
  if (Array.isArray(type)) {
    if (type.includes(String(value))) return null
    const many = type.length > 20
    const list = many
      ? `(list of length ${type.length})`
      : `[${type.map(option => `'${option}'`).join(', ')}]`
    const extra = { ...about, input_config: many ? null : spec }
    return problem('value_not_in_list', 'Value not in list', `${name}: '${value}' not in ${list}`, extra)
  }
  if (type === 'INT' || type === 'FLOAT') {
    // Numbers in strings are taken, as Python's int() and float() take them.
    const number = typeof value === 'boolean' ? Number(value) : Number.parseFloat(`${value}`)
    const isNumber = /^\s*[-+]?\d+(\.\d*)?(e[-+]?\d+)?\s*$/i.test(`${value}`)
    if (!isNumber) {
      const words =
        type === 'INT'
          ? `invalid literal for int() with base 10: '${value}'`
          : `could not convert string to float: '${value}'`
      return problem(
        'invalid_input_type',
        `Failed to convert an input value to a ${type} value`,
        `${name}, ${value}, ${words}`,
        { ...about, exception_message: words },
      )
    }
    const { min, max } = options as { min?: number; max?: number }
    if (min !== undefined && number < min)
      return problem('value_smaller_than_min', `Value ${value} smaller than min of ${min}`, name)
    if (max !== undefined && number > max)
      return problem('value_bigger_than_max', `Value ${value} bigger than max of ${max}`, name)
    return null
  }
  if (type === 'STRING') return null
  return problem(
    'bad_linked_input',
    'Bad linked input, must be a length-2 list of [node_id, slot_index]',
    `${name}, received_value(${value})`,
  )
}
