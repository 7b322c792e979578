import { page } from './collection.ts'
import { ok, type Answer, type RequestContext } from './context.ts'

/** A method, a path below the base path with `:variables`, and what answers it. */
export type Route = readonly [
  method: string,
  path: string,
  handle: (context: RequestContext) => Answer | Promise<Answer>,
]

/** A route for GET. */
export function get(path: string, handle: Route[2]): Route {
  return ['GET', path, handle]
}

/** A handler that shows a collection of which the lab has nothing. */
export function empty(key: string, resourceType: string): Route[2] {
  return (context) => ok(page({ key, resourceType, members: [] }, context.self))
}

/** What a path leads to. */
export type Match =
  | { readonly found: 'route'; readonly handle: Route[2]; readonly params: Record<string, string> }
  | { readonly found: 'path' }
  | { readonly found: 'nothing' }

interface Node {
  readonly children: Map<string, Node>
  variable?: { readonly name: string; readonly node: Node }
  readonly handlers: Map<string, Route[2]>
}

/** Makes a function that finds the handler of a method and path. */
export function router(routes: readonly Route[]): (method: string, segments: readonly string[]) => Match {
  const root = newNode()
  for (const [method, path, handle] of routes) {
    let node = root
    for (const segment of path.split('/')) node = descend(node, segment)
    node.handlers.set(method, handle)
  }
  return (method, segments) => {
    const params: Record<string, string> = {}
    let node: Node | undefined = root
    for (const segment of segments) {
      const child: Node | undefined = node.children.get(segment)
      if (!child && node.variable) params[node.variable.name] = segment
      node = child ?? node.variable?.node
      if (!node) return { found: 'nothing' }
    }
    if (node.handlers.size === 0) return { found: 'nothing' }
    const handle = node.handlers.get(method === 'HEAD' ? 'GET' : method)
    return handle ? { found: 'route', handle, params } : { found: 'path' }
  }
}

function newNode(): Node {
  return { children: new Map(), handlers: new Map() }
}

function descend(node: Node, segment: string): Node {
  if (segment.startsWith(':')) {
    node.variable ??= { name: segment.slice(1), node: newNode() }
    if (node.variable.name !== segment.slice(1)) throw new Error(`two names for one path variable: ${segment}`)
    return node.variable.node
  }
  let child = node.children.get(segment)
  if (!child) node.children.set(segment, (child = newNode()))
  return child
}
