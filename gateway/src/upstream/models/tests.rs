use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::config::{Config, UpstreamConfig};
use crate::upstream::registry::{MadeOf, member};
use crate::upstream::{Forward, Forwarded, UpstreamAnswer, UpstreamRequest, Upstreams};

/// Asks the test each time.
struct Asking(mpsc::Sender<oneshot::Sender<Vec<Document>>>);

#[async_trait]
impl Upstream for Asking {
    async fn call(&self, _: UpstreamRequest) -> Result<UpstreamAnswer, UpstreamError> {
        panic!("only its models are asked for")
    }

    async fn forward(&self, _: Forward) -> Result<Forwarded, UpstreamError> {
        panic!("only its models are asked for")
    }

    async fn models(&self) -> Result<Vec<Document>, UpstreamError> {
        let (send, receive) = oneshot::channel();
        self.0.send(send).await.unwrap();
        Ok(receive.await.unwrap())
    }

    fn summary(&self) -> String {
        String::new()
    }
}

fn ids(known: &Known) -> Vec<&str> {
    let models = known.models.as_deref().unwrap_or_default();
    models.iter().map(|model| model.id.as_str()).collect()
}

fn model(id: &str) -> Vec<Document> {
    vec![Document::parse(format!(r#"{{"id":"{id}"}}"#)).unwrap()]
}

#[tokio::test]
async fn an_old_list_is_given_at_once_and_a_new_one_asked_for() {
    let (asked, mut asks) = mpsc::channel(2);
    let list = ModelList::new(&"up".into(), Arc::new(Asking(asked)), Duration::from_nanos(1));
    let whenever = Instant::now() + Duration::from_secs(3600);
    let (first, ()) = tokio::join!(list.soon(whenever), async {
        asks.recv().await.unwrap().send(model("old")).unwrap();
    });
    assert_eq!(ids(&first), ["old"]);
    // Nobody answers the second ask, and nobody waits for that.
    for _ in 0..3 {
        assert_eq!(ids(&list.soon(whenever).await), ["old"]);
    }
    let second = asks.recv().await.unwrap();
    assert!(asks.is_empty(), "it is asked once at a time");
    let (third, ()) = tokio::join!(list.by(whenever), async { second.send(model("new")).unwrap() });
    assert_eq!(ids(&third), ["new"]);
}

#[tokio::test]
async fn a_list_that_is_not_to_be_remembered_is_waited_for() {
    let (asked, mut asks) = mpsc::channel(2);
    let list = ModelList::new(&"up".into(), Arc::new(Asking(asked)), Duration::ZERO);
    let whenever = Instant::now() + Duration::from_secs(3600);
    for id in ["old", "new"] {
        let (known, ()) = tokio::join!(list.soon(whenever), async {
            asks.recv().await.unwrap().send(model(id)).unwrap();
        });
        assert_eq!(ids(&known), [id]);
    }
}

#[tokio::test]
async fn a_model_that_an_old_list_does_not_have_is_looked_for_in_a_new_one() {
    let (asked, mut asks) = mpsc::channel(2);
    let mut upstreams = Upstreams::new(&Config::default(), None).unwrap();
    let name: Arc<str> = "echo".into();
    let made_of = MadeOf::new(&UpstreamConfig::default(), Duration::from_nanos(1));
    let asking = member(&name, Arc::new(Asking(asked)), made_of);
    upstreams.by_name.insert(name, Arc::new(asking));
    let (old, ()) = tokio::join!(upstreams.model("old"), async {
        asks.recv().await.unwrap().send(model("old")).unwrap();
    });
    assert!(old.is_ok());
    // Nobody answers the second ask, and nobody who wants what is known waits for that.
    assert!(upstreams.model("old").await.is_ok());
    let second = asks.recv().await.unwrap();
    let (new, ()) = tokio::join!(upstreams.model("new"), async { second.send(model("new")).unwrap() });
    assert_eq!(new.unwrap().as_str(), r#"{"id":"new"}"#);
}
