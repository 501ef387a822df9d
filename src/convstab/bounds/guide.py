"""What stands beside the instances for a verifier: how it is run, and what its answers mean."""

ABCROWN = """# alpha-beta-CROWN needs a file of settings; what stands here is that all of these instances are meant
general:
  root_path: ${CONFIG_PATH}
  csv_name: instances.csv
"""
GUIDE = """# Instances for a complete verifier

`model.onnx` takes images in [0, 1], (n, C, H, W), and normalises inside. Each file in `vnnlib/` asks whether some image
that differs by at most a radius in each pixel, and stays in [0, 1], has another logit at least as great as the label's.
`instances.csv` has a line for each: model, file, seconds. `questions.csv` says what each file asks, in grey levels.

With alpha-beta-CROWN (https://github.com/Verified-Intelligence/alpha-beta-CROWN), one question after another:

    export HERE=$PWD                      # this folder
    cd alpha-beta-CROWN/complete_verifier
    while IFS=, read -r onnx file seconds; do
      start=$(date +%s)
      python abcrown.py --config "$HERE/abcrown.yaml" --device cpu --timeout "$seconds" \\
        --onnx_path "$HERE/$onnx" --vnnlib_path "$HERE/$file" --results_file "$HERE/answer.txt" < /dev/null
      echo "$file,$(head -n 1 "$HERE/answer.txt"),$(($(date +%s) - start))" >> "$HERE/results.csv"
      rm -f "$HERE/answer.txt"
    done < "$HERE/instances.csv"

Without `--device cpu` it takes a GPU; `abcrown.yaml` is where its settings go. Files and results.csv have the form of
VNN-COMP, which other verifiers read, too; convstab has been tried with alpha-beta-CROWN only. Then, where the folder
was made:

    convstab-instances <the same result> --verdicts results.csv

- **unsat** is a proof, for real numbers or as exact as the verifier rounds: no image in the box is misclassified.
- **sat** is a counterexample in the box, or a tie of two logits, which convstab does not count as misclassified.
- The box is an L-infinity ball. It holds the L2 ball of the same radius r, so a proof is one for L2 norms below r, too.
  It lies in the L2 ball of radius r sqrt(n) for n = C H W numbers: a counterexample may be as far away as that in L2.
- Images between the grey levels count. Whoever stores 8 bits has fewer; a proof holds for those, too.
"""
