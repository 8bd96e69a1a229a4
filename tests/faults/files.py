"""What the files of models, recipes and scores hold when nothing is wrong with them."""

from __future__ import annotations

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "intermediate_size": 20,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 27,
    "rope_theta": 1e4,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "quantization_config": {"quant_method": "gptq", "bits": 4},
    "rope_scaling": {"type": "linear", "factor": 2.0},
}
RECIPE = {
    "merge_method": "ties",
    "base_model": "base",
    "dtype": "bfloat16",
    "tokenizer_source": "union",
    "parameters": {"normalize": True, "density": [0.2, 0.8]},
    "models": [
        {"model": "m1", "parameters": {"weight": 0.5}},
        {"model": "m2", "parameters": {"weight": [{"filter": "mlp", "value": 1}, 0.5]}},
    ],
}
SLICES = {
    "merge_method": "slerp",
    "base_model": "base",
    "parameters": {"t": 0.5},
    "slices": [{"sources": [{"model": "base", "layer_range": [0, 2]}, {"model": "m1", "layer_range": [0, 2]}]}],
}
CARD = {
    "license": "mit",
    "base_model": ["org/a", "org/b"],
    "base_model_relation": "merge",
    "tags": ["merge"],
    "model-index": [
        {
            "name": "x",
            "results": [
                {
                    "task": {"type": "t"},
                    "dataset": {"name": "arc", "type": "arc", "args": {"num_few_shot": 25}},
                    "metrics": [{"type": "acc_norm", "value": 61.2}],
                }
            ],
        }
    ],
}
RESULTS = {
    "results": {
        "arc_challenge": {"acc,none": 0.5, "acc_stderr,none": 0.01, "alias": "arc"},
        "gsm8k": {"exact_match,strict-match": 0.3},
    },
    "groups": {"mmlu": {"acc,none": 0.4}},
    "group_subtasks": {"mmlu": ["a", "b"]},
    "n-shot": {"arc_challenge": 25},
    "configs": {"arc_challenge": {"task": "arc_challenge", "num_fewshot": 25, "metric_list": [{"metric": "acc"}]}},
    "higher_is_better": {"arc_challenge": {"acc": True}},
    "config": {"model": "hf", "model_args": "pretrained=org/a"},
    "versions": {"arc_challenge": 1},
    "model_name": "org/a",
}
TASK = {
    "task": "own",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "own.jsonl"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{text}}",
    "doc_to_choice": ["a", "b"],
    "doc_to_target": 0,
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    "num_fewshot": 0,
}
QUESTIONS = [{"question": "a", "choices": ["a", "b"], "answer": 0}, {"question": "c", "answer": "d"}, {"text": "abc"}]
ROWS = [["model", "task", "score", "stderr", "metric"], ["a", "arc", 61.5, 0.2, "acc"], ["b", "arc", 0.5, "", "acc"]]
ADAPTER = {
    "peft_type": "LORA",
    "r": 3,
    "lora_alpha": 6,
    "base_model_name_or_path": "org/base",
    "use_dora": False,
    "bias": "none",
    "rank_pattern": {"q_proj": 2},
    "alpha_pattern": {},
    "init_lora_weights": True,
    "modules_to_save": None,
    "use_rslora": False,
    "target_modules": ["q_proj"],
    "layer_replication": None,
    "fan_in_fan_out": False,
    "trainable_token_indices": None,
}
