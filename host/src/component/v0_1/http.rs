//! The HTTP request and response, as the contract's resources.

use bytes::Bytes;
use http::HeaderMap;
use wasmtime::component::Resource;

use super::bindings::heimdall::plugin::http_types::{Host, HostHttpRequest, HostHttpResponse};
use super::convert::{Answered, answer, count};
use crate::component::State;
use crate::model::{EditError, HttpRequest, HttpResponse};

impl Host for State {}

impl State {
    fn edit_request(
        &mut self,
        request: &Resource<HttpRequest>,
        given: usize,
        edit: impl FnOnce(&mut HttpRequest) -> Result<(), EditError>,
    ) -> Answered<()> {
        if let Err(error) = State::admit_line(given) {
            return answer(Err(error));
        }
        answer(edit(self.table().get_mut(request)?))
    }

    fn edit_response(
        &mut self,
        response: &Resource<HttpResponse>,
        given: usize,
        edit: impl FnOnce(&mut HttpResponse) -> Result<(), EditError>,
    ) -> Answered<()> {
        if let Err(error) = State::admit_line(given) {
            return answer(Err(error));
        }
        answer(edit(self.table().get_mut(response)?))
    }
}

impl HostHttpRequest for State {
    fn method(&mut self, request: Resource<HttpRequest>) -> wasmtime::Result<String> {
        Ok(self.table().get(&request)?.method().as_str().to_owned())
    }

    fn set_method(&mut self, request: Resource<HttpRequest>, value: String) -> Answered<()> {
        self.edit_request(&request, value.len(), |draft| draft.set_method(&value))
    }

    fn path(&mut self, request: Resource<HttpRequest>) -> wasmtime::Result<String> {
        Ok(self.table().get(&request)?.path().to_owned())
    }

    fn set_path(&mut self, request: Resource<HttpRequest>, value: String) -> Answered<()> {
        self.edit_request(&request, value.len(), |draft| draft.set_path(&value))
    }

    fn query(&mut self, request: Resource<HttpRequest>) -> wasmtime::Result<Option<String>> {
        Ok(self.table().get(&request)?.query().map(str::to_owned))
    }

    fn set_query(&mut self, request: Resource<HttpRequest>, value: Option<String>) -> Answered<()> {
        let given = value.as_ref().map_or(0, String::len);
        self.edit_request(&request, given, |draft| draft.set_query(value.as_deref()))
    }

    fn header(&mut self, request: Resource<HttpRequest>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(header(self.table().get(&request)?.headers(), &name))
    }

    fn headers(&mut self, request: Resource<HttpRequest>) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(headers(self.table().get(&request)?.headers()))
    }

    fn set_header(&mut self, request: Resource<HttpRequest>, name: String, value: String) -> Answered<()> {
        self.edit_request(&request, name.len() + value.len(), |draft| {
            draft.set_header(&name, &value)
        })
    }

    fn add_header(&mut self, request: Resource<HttpRequest>, name: String, value: String) -> Answered<()> {
        self.edit_request(&request, name.len() + value.len(), |draft| {
            draft.add_header(&name, &value)
        })
    }

    fn remove_header(&mut self, request: Resource<HttpRequest>, name: String) -> wasmtime::Result<()> {
        self.table().get_mut(&request)?.remove_header(&name);
        Ok(())
    }

    fn body_size(&mut self, request: Resource<HttpRequest>) -> wasmtime::Result<u32> {
        Ok(count(self.table().get(&request)?.body().len()))
    }

    fn read_body(&mut self, request: Resource<HttpRequest>, offset: u32, length: u32) -> wasmtime::Result<Vec<u8>> {
        Ok(part(self.table().get(&request)?.body(), offset, length))
    }

    fn body(&mut self, request: Resource<HttpRequest>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table().get(&request)?.body().to_vec())
    }

    fn set_body(&mut self, request: Resource<HttpRequest>, value: Vec<u8>) -> Answered<()> {
        if let Err(error) = self.admit_value(value.len()) {
            return answer(Err(error));
        }
        self.table().get_mut(&request)?.set_body(Bytes::from(value));
        answer(Ok(()))
    }

    fn drop(&mut self, request: Resource<HttpRequest>) -> wasmtime::Result<()> {
        self.table().delete(request)?;
        Ok(())
    }
}

impl HostHttpResponse for State {
    fn status(&mut self, response: Resource<HttpResponse>) -> wasmtime::Result<u16> {
        Ok(self.table().get(&response)?.status())
    }

    fn set_status(&mut self, response: Resource<HttpResponse>, value: u16) -> Answered<()> {
        self.edit_response(&response, 0, |draft| draft.set_status(value))
    }

    fn header(&mut self, response: Resource<HttpResponse>, name: String) -> wasmtime::Result<Option<String>> {
        Ok(header(self.table().get(&response)?.headers(), &name))
    }

    fn headers(&mut self, response: Resource<HttpResponse>) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(headers(self.table().get(&response)?.headers()))
    }

    fn set_header(&mut self, response: Resource<HttpResponse>, name: String, value: String) -> Answered<()> {
        self.edit_response(&response, name.len() + value.len(), |draft| {
            draft.set_header(&name, &value)
        })
    }

    fn add_header(&mut self, response: Resource<HttpResponse>, name: String, value: String) -> Answered<()> {
        self.edit_response(&response, name.len() + value.len(), |draft| {
            draft.add_header(&name, &value)
        })
    }

    fn remove_header(&mut self, response: Resource<HttpResponse>, name: String) -> wasmtime::Result<()> {
        self.table().get_mut(&response)?.remove_header(&name);
        Ok(())
    }

    fn body_size(&mut self, response: Resource<HttpResponse>) -> wasmtime::Result<u32> {
        Ok(count(self.table().get(&response)?.body().len()))
    }

    fn read_body(&mut self, response: Resource<HttpResponse>, offset: u32, length: u32) -> wasmtime::Result<Vec<u8>> {
        Ok(part(self.table().get(&response)?.body(), offset, length))
    }

    fn body(&mut self, response: Resource<HttpResponse>) -> wasmtime::Result<Vec<u8>> {
        Ok(self.table().get(&response)?.body().to_vec())
    }

    fn set_body(&mut self, response: Resource<HttpResponse>, value: Vec<u8>) -> Answered<()> {
        if let Err(error) = self.admit_value(value.len()) {
            return answer(Err(error));
        }
        self.table().get_mut(&response)?.set_body(Bytes::from(value));
        answer(Ok(()))
    }

    fn drop(&mut self, response: Resource<HttpResponse>) -> wasmtime::Result<()> {
        self.table().delete(response)?;
        Ok(())
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
        .collect()
}

/// At most `length` bytes from `offset`.
fn part(body: &Bytes, offset: u32, length: u32) -> Vec<u8> {
    let start = body.len().min(offset as usize);
    let end = body.len().min(start.saturating_add(length as usize));
    body.get(start..end).unwrap_or_default().to_vec()
}
