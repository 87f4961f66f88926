const values = new Map();

export const get = (key) => values.get(key);
export const set = (key, value) => void values.set(key, value);
export const remove = (key) => void values.delete(key);
export const keys = () => [...values.keys()].sort();
export const clear = () => values.clear();
