//! Plugins of both kinds that answer requests all the while, and whether each answer is right.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use heimdall_host::loader::Host;
use heimdall_host::model::Upstream;
use heimdall_host::pipeline::{Pipeline, PipelineSettings};
use heimdall_tests::guests::{GEN3, TYPED_GUARD};
use tokio::task::JoinHandle;

use crate::support::*;

/// How many call them at once.
const CALLERS: usize = 2;
/// What stands in for a request's own text.
const TEXT: &str = "what is asked";

/// Healthy plugins under traffic.
pub struct Healthy {
    pipeline: Arc<Pipeline>,
    callers: Vec<JoinHandle<()>>,
    answered: Arc<[AtomicU64]>,
    is_over: Arc<AtomicBool>,
}

impl Healthy {
    /// From here on they are called.
    pub async fn begin(host: &Host) -> Healthy {
        let mut plugins = Vec::new();
        for guest in [TYPED_GUARD, GEN3] {
            let mut settings = settings(guest, None);
            settings.limits.hook_timeout = LATE;
            plugins.push(host.load(guest.bytes().into(), settings).await.unwrap());
        }
        let settings = PipelineSettings {
            time: LATE,
            ..PipelineSettings::default()
        };
        let pipeline = Arc::new(Pipeline::new(plugins, settings).unwrap());
        let right = Arc::new(ask(&pipeline, TEXT).await);
        let answered: Arc<[AtomicU64]> = (0..CALLERS).map(|_| AtomicU64::new(0)).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let callers = (0..CALLERS).map(|caller| {
            let (pipeline, right) = (pipeline.clone(), right.clone());
            let (answered, is_over) = (answered.clone(), is_over.clone());
            tokio::spawn(async move {
                for number in 0.. {
                    let text = format!("question {number} of {caller}");
                    let expected = right.each_ref().map(|right| right.replace(TEXT, &text));
                    assert_eq!(ask(&pipeline, &text).await, expected);
                    answered.get(caller).unwrap().fetch_add(1, Ordering::Relaxed);
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            })
        });
        Healthy {
            callers: callers.collect(),
            pipeline,
            answered,
            is_over,
        }
    }

    /// What each caller has been answered.
    pub fn answered(&self) -> Vec<u64> {
        self.answered
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .collect()
    }

    /// Waits for the last answers. Each had to be right.
    pub async fn end(self) {
        let before = self.answered();
        let is_behind = || {
            self.answered()
                .into_iter()
                .zip(&before)
                .any(|(now, before)| now <= *before)
        };
        while is_behind() && !self.callers.iter().any(|caller| caller.is_finished()) {
            tokio::task::yield_now().await;
        }
        self.is_over.store(true, Ordering::Relaxed);
        for caller in self.callers {
            if let Err(failed) = caller.await {
                std::panic::resume_unwind(failed.into_panic());
            }
        }
        self.pipeline.cleanup().await;
    }
}

/// What becomes of a request, and of its answer.
async fn ask(pipeline: &Arc<Pipeline>, text: &str) -> [String; 2] {
    let mut exchange = pipeline.begin("healthy", http_request("/v1/chat/completions"));
    exchange.on_request().await;
    let request = proceed(&mut exchange, chat(text)).await;
    let Upstream::Response(response) = exchange.after_call(answer(&format!("a TOP-SECRET, {text}"))).await else {
        panic!("a healthy plugin failed")
    };
    [request.document(), response.document()].map(|document| document.as_str().to_owned())
}
