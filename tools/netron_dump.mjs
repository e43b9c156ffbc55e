// Opens an OM file with Netron's own parser, no browser, and prints what it saw as JSON.
//
//   node netron_dump.mjs <folder with Netron's om.js> <file.om>
//
// {"weights": bytes, "graphs": [...]} when Netron opens the file, {"error": "..."} when not.
// Needs Node 22.7 or later, which takes Netron's files for the ES modules they are.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [netron, file] = process.argv.slice(2);

const load = (name) => import(pathToFileURL(join(netron, `${name}.js`)));

// What om.js asks of the application around it. Files over 512 MiB would need more of a stream.
const context = (data) => ({
    stream: { length: data.length, peek: (size) => data.subarray(0, size ?? data.length) },
    set(type, value) {
        this.value = value;
        return type;
    },
    require: (id) => load(id.replace('./', '')),
    async metadata(name) {
        const types = JSON.parse(await readFile(join(netron, name), 'utf-8'));
        return { type: (wanted) => types.find((type) => type.name === wanted) };
    }
});

const describeType = (type) => type && {
    dtype: type.dataType,
    shape: type.shape.dimensions,
    layout: type.denotation
};

const describeData = (data) => data && {
    length: data.length,
    sha256: createHash('sha256').update(data).digest('hex')
};

const describeTensor = (tensor) => tensor && {
    ...describeType(tensor.type),
    data: describeData(tensor.values)
};

const describeValue = (value) => ({
    name: value.name,
    ...describeType(value.type),
    initializer: describeTensor(value.initializer)
});

const describePort = (argument) => ({
    name: argument.name,
    values: argument.value.map(describeValue)
});

const isTensor = (value) => value.category !== undefined && value.type !== undefined;

const plain = (value) => {
    if (value === null || value === undefined || typeof value === 'string') {
        return value ?? null;
    }
    if (typeof value === 'bigint') {
        return Number(value);
    }
    if (value instanceof Uint8Array) {
        return describeData(value);
    }
    if (Array.isArray(value) || ArrayBuffer.isView(value)) {
        return Array.from(value, plain);
    }
    if (typeof value === 'object') {
        return isTensor(value) ? describeTensor(value) : describeGraph(value);
    }
    return value;
};

const describeAttribute = (attribute) => [
    attribute.name,
    { type: attribute.type, value: plain(attribute.value) }
];

const describeNode = (node) => ({
    name: node.name,
    type: node.type.name,
    inputs: node.inputs.map(describePort),
    outputs: node.outputs.map(describePort),
    control: node.controlDependencies.map((value) => value.name),
    attributes: Object.fromEntries(node.attributes.map(describeAttribute))
});

const describeGraph = (graph) => graph.nodes
    ? { name: graph.name, nodes: graph.nodes.map(describeNode) }
    : {};

const dump = async () => {
    const { ModelFactory } = await load('om');
    const factory = new ModelFactory();
    const opened = context(new Uint8Array(await readFile(file)));
    if (!await factory.match(opened)) {
        return { error: 'not recognised' };
    }
    const model = await factory.open(opened);
    return {
        weights: opened.value.weights?.length ?? null,
        graphs: model.modules.map(describeGraph)
    };
};

const result = await dump().catch((error) => ({ error: error.message }));
process.stdout.write(JSON.stringify(result));
