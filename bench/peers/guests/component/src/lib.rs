//! A component that takes and gives bytes.

wit_bindgen::generate!({ path: "wit", world: "peer" });

struct Peer;

export!(Peer);

impl Guest for Peer {
    fn echo(data: Vec<u8>) -> Vec<u8> {
        data
    }

    fn edit_chat(data: Vec<u8>) -> Result<Vec<u8>, String> {
        peer_edit::edit(&data, "/messages").map_err(|error| error.to_string())
    }
}
